import * as zlib from "node:zlib";

/** CRC-32 of bytes. */
export const checksum = (bytes: Uint8Array): number =>
  // Native from Node 20.15 on.
  typeof zlib.crc32 === "function" ? zlib.crc32(bytes) : crc32(bytes);

let table: Uint32Array | undefined;

/** CRC-32 (IEEE 802.3), byte by byte. */
export function crc32(bytes: Uint8Array): number {
  table ??= Uint32Array.from({ length: 256 }, (_, value) => {
    let word = value;
    for (let bit = 0; bit < 8; bit++) word = word & 1 ? 0xedb88320 ^ (word >>> 1) : word >>> 1;
    return word;
  });
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = table[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
