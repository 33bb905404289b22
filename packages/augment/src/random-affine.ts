import { type Affine, type Augmentation, checkOptions, InvalidArgumentError } from "@acr/core";

/** Options of `randomAffine`. */
export interface RandomAffineOptions {
  /** Largest turn either way, in degrees. Default 25. */
  rotationDegrees?: number;
  /** Largest change of size either way, as a share, in [0, 1). Default 0.12. */
  scale?: number;
  /** Largest shift either way on each axis, as a share of the crop's side. Default 0.05. */
  shift?: number;
}

/**
 * Turns, scales and shifts the face about the crop's centre; each amount is uniform in its range.
 *
 * @throws {InvalidArgumentError} a range is negative, scale >= 1, or an option is unknown.
 * @example randomAffine({ rotationDegrees: 15 });
 */
export function randomAffine(options: RandomAffineOptions = {}): Augmentation {
  checkOptions("randomAffine", options, ["rotationDegrees", "scale", "shift"]);
  const { rotationDegrees = 25, scale = 0.12, shift = 0.05 } = options;
  for (const [name, value, limit] of [
    ["rotationDegrees", rotationDegrees, 180],
    ["scale", scale, 0.99],
    ["shift", shift, 1],
  ] as const) {
    if (!(value >= 0 && value <= limit))
      throw new InvalidArgumentError(`randomAffine: ${name} must be in [0, ${limit}]; got ${value}.`);
  }
  return {
    name: "randomAffine",
    options: { rotationDegrees, scale, shift },
    draw: (random) => {
      const angle = (random.uniform(-rotationDegrees, rotationDegrees) * Math.PI) / 180;
      const size = 1 + random.uniform(-scale, scale);
      const [cos, sin] = [size * Math.cos(angle), size * Math.sin(angle)];
      const geometry: Affine = [cos, -sin, random.uniform(-shift, shift), sin, cos, random.uniform(-shift, shift)];
      return { geometry };
    },
  };
}
