import { type Affine, type Augmentation, checkOptions } from "@acr/core";
import { augmentationModule } from "./internal/augmentation-module.js";
import { checkRange } from "./internal/check-range.js";

/** Options of `randomAffine`. */
export interface RandomAffineOptions {
  /** Largest turn either way, in degrees, in [0, 180]. Default 25. */
  rotationDegrees?: number;
  /** Largest change of size either way, as a share, in [0, 0.99]. Default 0.12. */
  scale?: number;
  /** Largest shift either way on each axis, as a share of the crop's side, in [0, 1]. Default 0.05. */
  shift?: number;
}

/**
 * Turns, scales and shifts the face about the crop's centre; each amount is uniform in its range.
 *
 * @throws {InvalidArgumentError} a range is negative, scale > 0.99, or an option is unknown.
 * @example randomAffine({ rotationDegrees: 15 });
 */
export function randomAffine(options: RandomAffineOptions = {}): Augmentation {
  checkOptions("randomAffine", options, ["rotationDegrees", "scale", "shift"]);
  const { rotationDegrees = 25, scale = 0.12, shift = 0.05 } = options;
  checkRange("randomAffine", "rotationDegrees", rotationDegrees, { high: 180 });
  checkRange("randomAffine", "scale", scale, { high: 0.99 });
  checkRange("randomAffine", "shift", shift);
  return {
    name: "randomAffine",
    options: { rotationDegrees, scale, shift },
    module: augmentationModule,
    draw: (random) => {
      const angle = (random.uniform(-rotationDegrees, rotationDegrees) * Math.PI) / 180;
      const size = 1 + random.uniform(-scale, scale);
      const [cos, sin] = [size * Math.cos(angle), size * Math.sin(angle)];
      const geometry: Affine = [cos, -sin, random.uniform(-shift, shift), sin, cos, random.uniform(-shift, shift)];
      return { geometry };
    },
  };
}
