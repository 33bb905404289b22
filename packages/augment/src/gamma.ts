import { type Augmentation, checkOptions } from "@acr/core";
import { augmentationModule } from "./internal/augmentation-module.js";
import { checkRange } from "./internal/check-range.js";
import { toneChange } from "./internal/tone-change.js";

/** Options of `gamma`. */
export interface GammaOptions {
  /** In [0, 1]. Default 1. */
  probability?: number;
  /** The exponent lies between 1 / (1 + range) and 1 + range; in [0, 10]. Default 0.4. */
  range?: number;
}

/**
 * Bends the grey curve: x ↦ 255 · (x / 255)^γ, ln γ uniform in ± ln(1 + range).
 *
 * @throws {InvalidArgumentError} an option is out of range or unknown.
 * @example gamma({ range: 0.5 });
 */
export function gamma(options: GammaOptions = {}): Augmentation {
  checkOptions("gamma", options, ["probability", "range"]);
  const { probability = 1, range = 0.4 } = options;
  checkRange("gamma", "probability", probability);
  checkRange("gamma", "range", range, { high: 10 });
  return {
    name: "gamma",
    options: { probability, range },
    module: augmentationModule,
    draw: (random) => {
      if (!random.chance(probability)) return {};
      const exponent = Math.exp(random.uniform(-1, 1) * Math.log1p(range));
      const tables = () => {
        const levels = new Uint8ClampedArray(768);
        for (let i = 0; i < 256; i++) levels[i] = 255 * (i / 255) ** exponent;
        levels.copyWithin(256, 0, 256);
        levels.copyWithin(512, 0, 256);
        return levels;
      };
      return { photometric: toneChange(tables) };
    },
  };
}
