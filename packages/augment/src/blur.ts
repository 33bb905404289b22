import { type Augmentation, checkOptions, type RgbImage } from "@acr/core";
import { augmentationModule } from "./internal/augmentation-module.js";
import { checkRange } from "./internal/check-range.js";

/** Options of `blur`. */
export interface BlurOptions {
  /** In [0, 1]. Default 0.2. */
  probability?: number;
  /** Largest standard deviation, as a share of the crop's longer side, in [0, 0.2]. Default 0.015. */
  sigma?: number;
}

/**
 * Blurs with a Gaussian; its width is uniform up to `sigma`. Separable, edges repeated.
 *
 * @throws {InvalidArgumentError} an option is out of range or unknown.
 * @example blur({ probability: 0.5 });
 */
export function blur(options: BlurOptions = {}): Augmentation {
  checkOptions("blur", options, ["probability", "sigma"]);
  const { probability = 0.2, sigma = 0.015 } = options;
  checkRange("blur", "probability", probability);
  checkRange("blur", "sigma", sigma, { high: 0.2 });
  return {
    name: "blur",
    options: { probability, sigma },
    module: augmentationModule,
    draw: (random) => {
      if (!random.chance(probability)) return {};
      const share = random.uniform(0, sigma);
      return { photometric: (image) => gaussian(image, share * Math.max(image.width, image.height)) };
    },
  };
}

function gaussian({ width, height, data }: RgbImage, sigma: number): void {
  const radius = Math.ceil(2.5 * sigma);
  if (radius < 1) return;
  const kernel = Float32Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma)),
  );
  const total = kernel.reduce((sum, value) => sum + value, 0);
  for (let i = 0; i < kernel.length; i++) kernel[i]! /= total;
  const line = new Float32Array((Math.max(width, height) + 2 * radius) * 3);
  for (let row = 0; row < height; row++)
    convolveLine(data, { start: row * width * 3, step: 3, length: width, kernel, radius, line });
  for (let column = 0; column < width; column++)
    convolveLine(data, { start: column * 3, step: width * 3, length: height, kernel, radius, line });
}

/** Convolves one row or column in place, from a copy whose ends are repeated so that the loop needs no bounds. */
function convolveLine(
  data: Uint8Array | Uint8ClampedArray,
  {
    start,
    step,
    length,
    kernel,
    radius,
    line,
  }: { start: number; step: number; length: number; kernel: Float32Array; radius: number; line: Float32Array },
): void {
  for (let i = 0, o = 0; i < length + 2 * radius; i++, o += 3) {
    const at = start + Math.min(length - 1, Math.max(0, i - radius)) * step;
    line[o] = data[at]!;
    line[o + 1] = data[at + 1]!;
    line[o + 2] = data[at + 2]!;
  }
  for (let i = 0; i < length; i++) {
    let [red, green, blue] = [0.5, 0.5, 0.5];
    for (let k = 0, o = 3 * i; k < kernel.length; k++, o += 3) {
      const weight = kernel[k]!;
      red += weight * line[o]!;
      green += weight * line[o + 1]!;
      blue += weight * line[o + 2]!;
    }
    const at = start + i * step;
    // The kernel sums to 1 up to rounding, so 255 may become 255.5 and a bit.
    data[at] = red < 255 ? red : 255;
    data[at + 1] = green < 255 ? green : 255;
    data[at + 2] = blue < 255 ? blue : 255;
  }
}
