import { type Augmentation, checkOptions } from "@acr/core";
import { augmentationModule } from "./internal/augmentation-module.js";
import { checkRange } from "./internal/check-range.js";

/** Options of `randomFlip`. */
export interface RandomFlipOptions {
  /** In [0, 1]. Default 0.5. */
  probability?: number;
}

/**
 * Mirrors the face left to right; landmarks are renumbered by the scheme's mirror map.
 *
 * @throws {InvalidArgumentError} probability outside [0, 1] or an unknown option.
 * @example randomFlip({ probability: 0.5 });
 */
export function randomFlip(options: RandomFlipOptions = {}): Augmentation {
  checkOptions("randomFlip", options, ["probability"]);
  const { probability = 0.5 } = options;
  checkRange("randomFlip", "probability", probability);
  return {
    name: "randomFlip",
    options: { probability },
    module: augmentationModule,
    draw: (random) => (random.chance(probability) ? { geometry: [-1, 0, 0, 0, 1, 0], mirrored: true } : {}),
  };
}
