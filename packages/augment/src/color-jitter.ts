import { type Augmentation, checkOptions, InvalidArgumentError, type RgbImage } from "@acr/core";
import { augmentationModule } from "./internal/augmentation-module.js";

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
      return { photometric: (image) => jitter(image, gains, contrasted) };
    },
  };
}

function jitter({ data }: RgbImage, gains: readonly number[], contrast: number): void {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i]!;
  const base = (sum / data.length) * (1 - contrast);
  // A table of 256 answers a channel is cheaper than arithmetic on each pixel.
  const tables = gains.map((gain) =>
    Uint8ClampedArray.from({ length: 256 }, (_, value) => (value * contrast + base) * gain),
  );
  for (let i = 0; i < data.length; i += 3) {
    data[i] = tables[0]![data[i]!]!;
    data[i + 1] = tables[1]![data[i + 1]!]!;
    data[i + 2] = tables[2]![data[i + 2]!]!;
  }
}
