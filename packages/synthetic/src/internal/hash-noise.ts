/** 32 pseudo-random bits of two integers and a seed: textures need millions of these, so no generator state. */
export function hashBits(x: number, y: number, seed: number): number {
  let h = Math.imul(x | 0, 0x27d4eb2d) ^ Math.imul(y | 0, 0x165667b1) ^ Math.imul(seed | 0, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** The same as a value in [0, 1). */
export function hashNoise(x: number, y: number, seed: number): number {
  return (hashBits(x, y, seed) >>> 0) / 4294967296;
}

/** `hashNoise` interpolated between integers. */
export function smoothNoise(x: number, y: number, seed: number): number {
  const ix = Math.floor(x);
  const iy = Math.floor(y);
  let fx = x - ix;
  let fy = y - iy;
  fx = fx * fx * (3 - 2 * fx);
  fy = fy * fy * (3 - 2 * fy);
  const top = hashNoise(ix, iy, seed) * (1 - fx) + hashNoise(ix + 1, iy, seed) * fx;
  const bottom = hashNoise(ix, iy + 1, seed) * (1 - fx) + hashNoise(ix + 1, iy + 1, seed) * fx;
  return top + (bottom - top) * fy;
}
