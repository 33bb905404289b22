import { crc32 } from "./crc-32.js";

/** The definition, bit by bit. */
function byBits(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return (value ^ 0xffffffff) >>> 0;
}

it("crc32 gives the catalogue's check value", () => {
  expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
  expect(crc32(new Uint8Array())).toBe(0);
});

it("crc32 is the definition's at every length and offset", () => {
  const all = Uint8Array.from({ length: 300 }, (_, i) => (i * 167 + (i >> 3)) & 255);
  for (let start = 0; start < 5; start++)
    for (let length = 0; length < 40; length++) {
      const bytes = all.subarray(start, start + length);
      expect(crc32(bytes)).toBe(byBits(bytes));
    }
  expect(crc32(all)).toBe(byBits(all));
});
