import { readFile } from "node:fs/promises";
import { DataFormatError, type RgbImage } from "@acr/core";

/** Pictures with more pixels than this are refused before they are decoded. */
const MAXIMUM_PIXELS = 100e6;

/** Whether the ends of a file are those of a whole JPEG or PNG: `undefined`, or what is wrong. */
export function imageFault(bytes: Uint8Array): string | undefined {
  const at = (index: number) => bytes.at(index) ?? -1;
  if (at(0) === 0xff && at(1) === 0xd8) {
    // Some cameras pad with zeros behind the end marker.
    let end = bytes.length - 1;
    while (end > 2 && bytes[end] === 0) end--;
    return bytes[end] === 0xd9 && bytes[end - 1] === 0xff
      ? undefined
      : "the JPEG is cut short (no end marker). Replace or remove it.";
  }
  if (at(0) === 0x89 && at(1) === 0x50) {
    return Buffer.from(bytes.subarray(-8, -4)).toString("latin1") === "IEND"
      ? undefined
      : "the PNG is cut short (no IEND). Replace or remove it.";
  }
  return "is neither a JPEG nor a PNG.";
}

/**
 * Decodes a JPEG or PNG to RGB, upright (EXIF orientation applied), alpha dropped.
 *
 * @throws {DataFormatError} the file is unreadable, cut short, damaged, or larger than 100 megapixels.
 * @example const { width, height, data } = await readImage("face.jpg");
 */
export async function readImage(file: string): Promise<RgbImage> {
  const bytes = await readFile(file).catch((cause) => {
    throw new DataFormatError("cannot be read; expected a picture.", { file, cause });
  });
  const fault = imageFault(bytes);
  if (fault) throw new DataFormatError(fault, { file });
  const { Jimp } = await import("jimp");
  const { bitmap } = await Jimp.fromBuffer(bytes, {
    "image/jpeg": { tolerantDecoding: false, maxMemoryUsageInMB: 1024 },
  } as never).catch((cause) => {
    throw new DataFormatError(`cannot be decoded: ${(cause as Error).message}.`, { file, cause });
  });
  const { width, height, data: rgba } = bitmap;
  if (width * height > MAXIMUM_PIXELS)
    throw new DataFormatError(`has ${width} x ${height} pixels; expected at most 100 megapixels.`, { file });
  const data = new Uint8Array(width * height * 3);
  for (let i = 0, o = 0; o < data.length; i += 4, o += 3) {
    data[o] = rgba[i]!;
    data[o + 1] = rgba[i + 1]!;
    data[o + 2] = rgba[i + 2]!;
  }
  return { width, height, data };
}
