import type { RgbImage } from "@acr/core";

/** Side of the pictures that are hashed. */
export const HASH_SIZE = 32;
const LOW = 8;

/** Cosines of the type-II transform for the lowest frequencies. */
const COSINES = Array.from({ length: LOW }, (_, u) =>
  Float64Array.from({ length: HASH_SIZE }, (_, x) => Math.cos(((2 * x + 1) * u * Math.PI) / (2 * HASH_SIZE))),
);

/** What two pictures are compared by. */
export interface PerceptualHash {
  /** 64 bits: which of the low frequencies lie above their median. */
  bits: readonly [number, number];
  /** Grey levels with mean 0 and length 1. */
  grey: Float32Array;
}

/** Hash of a 32 × 32 picture by its 8 × 8 lowest frequencies. */
export function perceptualHash({ data }: RgbImage): PerceptualHash {
  const grey = Float32Array.from(
    { length: HASH_SIZE * HASH_SIZE },
    (_, i) => 0.299 * data[3 * i]! + 0.587 * data[3 * i + 1]! + 0.114 * data[3 * i + 2]!,
  );
  const rows = new Float64Array(HASH_SIZE * LOW);
  for (let y = 0; y < HASH_SIZE; y++)
    for (let u = 0; u < LOW; u++) {
      let sum = 0;
      for (let x = 0; x < HASH_SIZE; x++) sum += grey[y * HASH_SIZE + x]! * COSINES[u]![x]!;
      rows[y * LOW + u] = sum;
    }
  const low = new Float64Array(LOW * LOW);
  for (let v = 0; v < LOW; v++)
    for (let u = 0; u < LOW; u++)
      for (let y = 0; y < HASH_SIZE; y++) low[v * LOW + u]! += rows[y * LOW + u]! * COSINES[v]![y]!;
  // The first is the mean brightness, which says nothing.
  const sorted = [...low.subarray(1)].sort((a, b) => a - b);
  const median = sorted[sorted.length >> 1]!;
  const bits: [number, number] = [0, 0];
  for (let i = 1; i < 64; i++) if (low[i]! > median) bits[i >> 5]! |= 1 << (i & 31);
  const mean = grey.reduce((sum, value) => sum + value, 0) / grey.length;
  const length = Math.sqrt(grey.reduce((sum, value) => sum + (value - mean) ** 2, 0)) || 1;
  return { bits, grey: grey.map((value) => (value - mean) / length) };
}

/** Number of bits that differ, 0 to 63. */
export const hashDistance = (a: PerceptualHash, b: PerceptualHash) =>
  ones(a.bits[0] ^ b.bits[0]) + ones(a.bits[1] ^ b.bits[1]);

/** Correlation of the grey levels, −1 to 1. */
export function correlation(a: PerceptualHash, b: PerceptualHash): number {
  let sum = 0;
  for (let i = 0; i < a.grey.length; i++) sum += a.grey[i]! * b.grey[i]!;
  return sum;
}

function ones(word: number): number {
  let count = word - ((word >>> 1) & 0x55555555);
  count = (count & 0x33333333) + ((count >>> 2) & 0x33333333);
  return Math.imul((count + (count >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
