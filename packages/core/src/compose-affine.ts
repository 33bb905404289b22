import type { Affine } from "./affine.js";

/**
 * The map that applies `first`, then `second`.
 *
 * @example composeAffine([1, 0, 2, 0, 1, 0], [3, 0, 0, 0, 3, 0]); // [3, 0, 6, 0, 3, 0]
 */
export function composeAffine(first: Affine, second: Affine): Affine {
  const [a, b, c, d, e, f] = first;
  const [p, q, r, s, t, u] = second;
  return [p * a + q * d, p * b + q * e, p * c + q * f + r, s * a + t * d, s * b + t * e, s * c + t * f + u];
}
