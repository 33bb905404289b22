import { type Augmentation, checkOptions, createRandom, InvalidArgumentError } from "@acr/core";

/**
 * Adds independent normal noise to each channel of each pixel.
 *
 * @param options.deviation - largest standard deviation, in grey levels of 255; each draw is uniform up to it. Default 10.
 * @throws {InvalidArgumentError} deviation < 0 or an unknown option.
 * @example noise({ deviation: 5 });
 */
export function noise(options: { deviation?: number } = {}): Augmentation {
  checkOptions("noise", options, ["deviation"]);
  const { deviation = 10 } = options;
  if (!(deviation >= 0 && Number.isFinite(deviation)))
    throw new InvalidArgumentError(`noise: deviation must be >= 0; got ${deviation}.`);
  return {
    name: "noise",
    options: { deviation },
    draw: (random) => {
      const sigma = random.uniform(0, deviation);
      const seed = random.state();
      return {
        photometric: ({ data }) => {
          const pixels = createRandom(seed).fork("noise");
          for (let i = 0; i < data.length; i++)
            data[i] = Math.min(255, Math.max(0, Math.round(data[i]! + pixels.normal(0, sigma))));
        },
      };
    },
  };
}
