import { type Augmentation, checkOptions, InvalidArgumentError, type RgbImage } from "@acr/core";

/**
 * Blurs with a Gaussian, separable, edges repeated.
 *
 * @param options.probability - default 0.2.  @param options.sigma - largest, as a share of the crop's side. Default 0.015.
 * @throws {InvalidArgumentError} probability outside [0, 1], sigma <= 0 or an unknown option.
 * @example blur({ probability: 0.5 });
 */
export function blur(options: { probability?: number; sigma?: number } = {}): Augmentation {
  checkOptions("blur", options, ["probability", "sigma"]);
  const { probability = 0.2, sigma = 0.015 } = options;
  if (!(probability >= 0 && probability <= 1))
    throw new InvalidArgumentError(`blur: probability must be in [0, 1]; got ${probability}.`);
  if (!(sigma > 0 && sigma <= 0.2)) throw new InvalidArgumentError(`blur: sigma must be in (0, 0.2]; got ${sigma}.`);
  return {
    name: "blur",
    options: { probability, sigma },
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
  const kernel = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma)));
  const total = kernel.reduce((sum, value) => sum + value, 0);
  const pass = (
    source: ArrayLike<number>,
    count: number,
    length: number,
    step: number,
    stride: number,
    write: (at: number, value: number) => void,
  ) => {
    for (let line = 0; line < count; line++) {
      for (let i = 0; i < length; i++) {
        for (let c = 0; c < 3; c++) {
          let sum = 0;
          for (let k = -radius; k <= radius; k++)
            sum += kernel[k + radius]! * source[line * stride + Math.min(length - 1, Math.max(0, i + k)) * step + c]!;
          write(line * stride + i * step + c, sum / total);
        }
      }
    }
  };
  const rows = new Float32Array(data.length);
  pass(data, height, width, 3, width * 3, (at, value) => {
    rows[at] = value;
  });
  pass(rows, width, height, width * 3, 3, (at, value) => {
    data[at] = Math.round(value);
  });
}
