import { type Augmentation, checkOptions, InvalidArgumentError } from "@acr/core";
import { augmentationModule } from "./internal/augmentation-module.js";
import { toneChange } from "./internal/tone-change.js";

/** Options of `colorJitter`: half-widths of uniform factors around 1, in [0, 1). */
export interface ColorJitterOptions {
  /** Default 0.3. */
  brightness?: number;
  /** About the picture's mean. Default 0.3. */
  contrast?: number;
  /** For each channel by itself. Default 0.15. */
  color?: number;
}

/**
 * Changes contrast, brightness and colour: ((x − mean) · contrast + mean) · brightness · colour of the channel.
 *
 * @throws {InvalidArgumentError} a range outside [0, 1) or an unknown option.
 * @example colorJitter({ brightness: 0.2 });
 */
export function colorJitter(options: ColorJitterOptions = {}): Augmentation {
  checkOptions("colorJitter", options, ["brightness", "contrast", "color"]);
  const { brightness = 0.3, contrast = 0.3, color = 0.15 } = options;
  for (const [name, value] of Object.entries({ brightness, contrast, color })) {
    if (!(value >= 0 && value < 1))
      throw new InvalidArgumentError(`colorJitter: ${name} must be in [0, 1); got ${value}.`);
  }
  return {
    name: "colorJitter",
    options: { brightness, contrast, color },
    module: augmentationModule,
    draw: (random) => {
      const factor = (range: number) => 1 + random.uniform(-range, range);
      const [bright, contrasted] = [factor(brightness), factor(contrast)];
      const gains = [0, 1, 2].map(() => bright * factor(color));
      const tables = (mean: () => number) => {
        const base = mean() * (1 - contrasted);
        // Clamped arrays round and clamp on their own.
        const levels = new Uint8ClampedArray(768);
        for (let i = 0; i < 768; i++) levels[i] = ((i & 255) * contrasted + base) * gains[i >> 8]!;
        return levels;
      };
      return { photometric: toneChange(tables) };
    },
  };
}
