import type { Affine } from "./affine.js";

/**
 * Maps a flat shape `[x0, y0, x1, y1, …]`; the argument stays as it is.
 *
 * @example applyAffine([1, 0, 10, 0, 1, 0], [1, 2]); // Float64Array [11, 2]
 */
export function applyAffine(map: Affine, shape: ArrayLike<number>): Float64Array {
  const [a, b, c, d, e, f] = map;
  const moved = new Float64Array(shape.length);
  for (let i = 0; i + 1 < shape.length; i += 2) {
    const x = shape[i]!;
    const y = shape[i + 1]!;
    moved[i] = a * x + b * y + c;
    moved[i + 1] = d * x + e * y + f;
  }
  return moved;
}
