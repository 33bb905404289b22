/** Size that the header of a picture states. */
export interface ImageSize {
  width: number;
  height: number;
  /** How many pixels a byte of the file can hold at most. */
  pixelsPerByte: number;
}

/**
 * A JPEG spends at least one bit on each block of 8 × 8, of which a unit of 32 × 32 pixels has 18 or more: 455 pixels a byte.
 */
const JPEG_PIXELS_PER_BYTE = 1024;
/** Deflate makes at most 1032 bytes of one. */
const DEFLATE_RATIO = 1032;
/** Values a pixel by the colour type of a PNG. */
const PNG_CHANNELS: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

const isJpeg = (bytes: Uint8Array) => bytes[0] === 0xff && bytes[1] === 0xd8;
const isPng = (bytes: Uint8Array) => bytes[0] === 0x89 && bytes[1] === 0x50 && bytes[2] === 0x4e && bytes[3] === 0x47;
const isType = (bytes: Uint8Array, at: number, type: string) =>
  [...type].every((letter, i) => bytes[at + i] === letter.charCodeAt(0));
const word = (bytes: Uint8Array, at: number) => (bytes[at]! << 8) | bytes[at + 1]!;
const long = (bytes: Uint8Array, at: number) => word(bytes, at) * 65536 + word(bytes, at + 2);

export const CUT_JPEG = "the JPEG is cut short (no end marker). Replace or remove it.";
export const CUT_PNG = "the PNG is cut short (no IEND). Replace or remove it.";

/**
 * Whether the ends of a file are those of a whole JPEG or PNG: `undefined`, or what is wrong. A cheap look: cameras may
 * append other data, so a fault found here is to be confirmed with `wholeImageFault`.
 */
export function imageEndsFault(head: Uint8Array, tail: Uint8Array): string | undefined {
  if (head.length === 0) return "is empty; expected a JPEG or PNG.";
  if (isJpeg(head)) {
    let end = tail.length - 1;
    // Some cameras pad with zeros behind the end marker.
    while (end > 2 && tail[end] === 0) end--;
    return tail[end] === 0xd9 && tail[end - 1] === 0xff ? undefined : CUT_JPEG;
  }
  if (isPng(head)) return isType(tail, tail.length - 8, "IEND") ? undefined : CUT_PNG;
  return "is neither a JPEG nor a PNG.";
}

/** Walks a whole file from marker to marker: its stated size, or what is wrong with it. */
export function inspectImageBytes(bytes: Uint8Array): { fault?: string; size?: ImageSize } {
  if (isPng(bytes)) return inspectPng(bytes);
  if (isJpeg(bytes)) return inspectJpeg(bytes);
  return { fault: imageEndsFault(bytes, bytes) ?? "is neither a JPEG nor a PNG." };
}

function inspectPng(bytes: Uint8Array): { fault?: string; size?: ImageSize } {
  if (bytes.length < 33 || !isType(bytes, 12, "IHDR")) return { fault: CUT_PNG };
  const bits = Math.max(1, bytes[24]!) * (PNG_CHANNELS[bytes[25]!] ?? 1);
  const size = { width: long(bytes, 16), height: long(bytes, 20), pixelsPerByte: (DEFLATE_RATIO * 8) / bits };
  // Each chunk: length, type, data, checksum.
  for (let at = 8; at + 12 <= bytes.length; at += long(bytes, at) + 12) {
    if (isType(bytes, at + 4, "IEND")) return { size };
  }
  return { fault: CUT_PNG, size };
}

function inspectJpeg(bytes: Uint8Array): { fault?: string; size?: ImageSize } {
  let size: ImageSize | undefined;
  let at = 2;
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0xff) return { fault: "the JPEG is damaged (a marker is missing). Replace or remove it.", size };
    const marker = bytes[at + 1]!;
    if (marker === 0xff) {
      at++;
      continue;
    }
    // Start of frame; C4, C8 and CC share its range but mean other things.
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker) && at + 9 <= bytes.length) {
      size = { width: word(bytes, at + 7), height: word(bytes, at + 5), pixelsPerByte: JPEG_PIXELS_PER_BYTE };
    }
    if (marker === 0xda) {
      // Within a scan a data byte FF is followed by 00, so FF D9 can only be the end.
      for (let i = bytes.length - 2; i > at; i--) if (bytes[i] === 0xff && bytes[i + 1] === 0xd9) return { size };
      return { fault: CUT_JPEG, size };
    }
    at += 2 + word(bytes, at + 2);
  }
  return { fault: CUT_JPEG, size };
}
