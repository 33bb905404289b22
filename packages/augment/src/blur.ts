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

/**
 * Rows, then columns; the result is within 0.6 levels of the exact convolution with the cut and normalised kernel. Weights have
 * 14 bits behind the point, levels between the passes 8, so that all products fit 31 bits.
 */
function gaussian({ width, height, data }: RgbImage, sigma: number): void {
  const radius = Math.ceil(2.5 * sigma);
  if (radius < 1) return;
  const weights = fixedKernel(sigma, radius);
  const stride = 3 * width;
  const reach = 3 * radius;
  // Rows above and below repeat the rim.
  const middle = new Uint16Array((height + 2 * radius) * stride);
  // One kind of array in both passes: loops that see two kinds are slow.
  const line = new Uint16Array(stride + 2 * reach);
  const sums = new Int32Array(stride);
  for (let row = 0; row < height; row++) {
    const start = row * stride;
    for (let i = 0; i < stride; i++) line[reach + i] = data[start + i]!;
    for (let i = 0; i < reach; i++) {
      line[i] = line[reach + (i % 3)]!;
      line[reach + stride + i] = line[reach + stride - 3 + (i % 3)]!;
    }
    addTaps(sums, line, { weights, place: reach, step: 3 });
    const target = (row + radius) * stride;
    for (let i = 0; i < stride; i++) middle[target + i] = (sums[i]! + 32) >> 6;
  }
  for (let row = 0; row < radius; row++) {
    middle.copyWithin(row * stride, radius * stride, (radius + 1) * stride);
    middle.copyWithin((height + radius + row) * stride, (height + radius - 1) * stride, (height + radius) * stride);
  }
  for (let row = 0; row < height; row++) {
    addTaps(sums, middle, { weights, place: (row + radius) * stride, step: stride });
    const target = row * stride;
    for (let i = 0; i < stride; i++) data[target + i] = (sums[i]! + (1 << 21)) >> 22;
  }
}

/** Half of the symmetric kernel, from the middle on; the whole sums to exactly 1, which is 16384. */
function fixedKernel(sigma: number, radius: number): Int32Array {
  const exact = Float64Array.from({ length: radius + 1 }, (_, k) => Math.exp((-k * k) / (2 * sigma * sigma)));
  const total = exact.reduce((sum, value, k) => sum + (k ? 2 : 1) * value, 0);
  const weights = Int32Array.from(exact, (value) => Math.round((value / total) * 16384));
  weights[0]! -= weights.reduce((sum, value, k) => sum + (k ? 2 : 1) * value, 0) - 16384;
  return weights;
}

/** sums[i] = Σ weights[|k|] · levels[place + i + k · step], two neighbours on each side a pass. */
function addTaps(
  sums: Int32Array,
  levels: Uint16Array,
  { weights, place, step }: { weights: Int32Array; place: number; step: number },
): void {
  const radius = weights.length - 1;
  const count = sums.length;
  const middle = weights[0]!;
  const near = weights[1]!;
  const far = radius > 1 ? weights[2]! : 0;
  const two = radius > 1 ? 2 * step : step;
  for (let i = 0, p = place; i < count; i++, p++)
    sums[i] =
      Math.imul(levels[p]!, middle) +
      Math.imul(levels[p - step]! + levels[p + step]!, near) +
      Math.imul(levels[p - two]! + levels[p + two]!, far);
  for (let k = 3; k <= radius; k += 2) addPair(sums, levels, { weights, place, step, k });
}

/** Adds the neighbours at distance k and, if the kernel goes that far, k + 1. */
function addPair(
  sums: Int32Array,
  levels: Uint16Array,
  { weights, place, step, k }: { weights: Int32Array; place: number; step: number; k: number },
): void {
  const isPair = k + 1 < weights.length;
  const first = weights[k]!;
  const second = isPair ? weights[k + 1]! : 0;
  const one = k * step;
  const two = isPair ? one + step : one;
  for (let i = 0, p = place; i < sums.length; i++, p++)
    sums[i] =
      sums[i]! +
      Math.imul(levels[p - one]! + levels[p + one]!, first) +
      Math.imul(levels[p - two]! + levels[p + two]!, second);
}
