import { type Augmentation, checkOptions, lumaOf, type RgbImage } from "@acr/core";
import { augmentationModule } from "./internal/augmentation-module.js";
import { checkRange } from "./internal/check-range.js";
import { deferrable } from "./internal/deferrable.js";

/** Options of `grayscale`. */
export interface GrayscaleOptions {
  /** In [0, 1]. Default 0.1. */
  probability?: number;
}

/**
 * Takes the colour away: each channel becomes the luma of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B.
 *
 * @throws {InvalidArgumentError} probability outside [0, 1] or an unknown option.
 * @example grayscale({ probability: 0.1 });
 */
export function grayscale(options: GrayscaleOptions = {}): Augmentation {
  checkOptions("grayscale", options, ["probability"]);
  const { probability = 0.1 } = options;
  checkRange("grayscale", "probability", probability);
  return {
    name: "grayscale",
    options: { probability },
    module: augmentationModule,
    draw: (random) => (random.chance(probability) ? { photometric: toGrey } : {}),
  };
}

const toGrey = deferrable({
  kind: "grey",
  apply: ({ data }: RgbImage) => {
    for (let i = 0; i < data.length; i += 3) {
      const luma = lumaOf(data[i]!, data[i + 1]!, data[i + 2]!);
      data[i] = luma;
      data[i + 1] = luma;
      data[i + 2] = luma;
    }
  },
  change: () => ({ grey: true }),
});
