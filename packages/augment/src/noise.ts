import { type Augmentation, checkOptions, type RgbImage } from "@acr/core";
import { augmentationModule } from "./internal/augmentation-module.js";
import { checkRange } from "./internal/check-range.js";

/** Options of `noise`. */
export interface NoiseOptions {
  /** In [0, 1]. Default 1. */
  probability?: number;
  /** Largest standard deviation in grey levels, in [0, 255]; each draw is uniform up to it. Default 10. */
  deviation?: number;
}

/**
 * Adds independent noise to each channel of each pixel. Close to normal: a sum of four uniform numbers, so within 3.5
 * standard deviations.
 *
 * @throws {InvalidArgumentError} an option is out of range or unknown.
 * @example noise({ deviation: 5 });
 */
export function noise(options: NoiseOptions = {}): Augmentation {
  checkOptions("noise", options, ["probability", "deviation"]);
  const { probability = 1, deviation = 10 } = options;
  checkRange("noise", "probability", probability);
  checkRange("noise", "deviation", deviation, { high: 255 });
  return {
    name: "noise",
    options: { probability, deviation },
    module: augmentationModule,
    draw: (random) => {
      if (!random.chance(probability)) return {};
      const sigma = random.uniform(0, deviation);
      const seed = 1 + random.integer(0xffffffff);
      return { photometric: (image) => addNoise(image, sigma, seed) };
    },
  };
}

/** Mean and standard deviation of the sum of four bytes. */
const SUM_MEAN = 510;
const SUM_DEVIATION = Math.sqrt((256 * 256 - 1) / 3);

function addNoise({ data }: RgbImage, sigma: number, seed: number): void {
  // The sum of four bytes takes only 1021 values: a table turns each into grey levels.
  const levels = new Int16Array(1021);
  for (let sum = 0; sum < levels.length; sum++) levels[sum] = Math.round(((sum - SUM_MEAN) / SUM_DEVIATION) * sigma);
  // Marsaglia's xorshift32: a whole generator of the core per byte would cost ten times as much.
  let word = seed | 0;
  for (let i = 0; i < data.length; i++) {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    // Two sums of two bytes side by side, then their sum.
    const pairs = (word & 0xff00ff) + ((word >>> 8) & 0xff00ff);
    const value = (data[i]! + levels[(pairs + (pairs >>> 16)) & 0xffff]!) | 0;
    // 256 and more and less than 0 have bits beyond the lowest eight; the sign says which end.
    data[i] = value & ~255 ? (~value >> 31) & 255 : value;
  }
}
