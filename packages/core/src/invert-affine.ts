import type { Affine } from "./affine.js";
import { InvalidArgumentError } from "./invalid-argument-error.js";

/**
 * The inverse of an affine map.
 *
 * @throws {InvalidArgumentError} the map is singular or not finite.
 * @example invertAffine([2, 0, 4, 0, 2, 6]); // [0.5, 0, -2, 0, 0.5, -3]
 */
export function invertAffine(map: Affine): Affine {
  const [a, b, c, d, e, f] = map;
  const determinant = a * e - b * d;
  if (!Number.isFinite(determinant) || determinant === 0) {
    throw new InvalidArgumentError(`invertAffine: map must be invertible; got determinant ${determinant}.`);
  }
  return [
    e / determinant,
    -b / determinant,
    (b * f - c * e) / determinant,
    -d / determinant,
    a / determinant,
    (c * d - a * f) / determinant,
  ];
}
