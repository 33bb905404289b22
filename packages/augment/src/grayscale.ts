import { type Augmentation, checkOptions, InvalidArgumentError } from "@acr/core";

/**
 * Takes the colour away: each channel becomes the luma of ITU-R BT.601.
 *
 * @throws {InvalidArgumentError} probability outside [0, 1] or an unknown option.
 * @example grayscale({ probability: 0.1 });
 */
export function grayscale(options: { probability?: number } = {}): Augmentation {
  checkOptions("grayscale", options, ["probability"]);
  const { probability = 0.1 } = options;
  if (!(probability >= 0 && probability <= 1))
    throw new InvalidArgumentError(`grayscale: probability must be in [0, 1]; got ${probability}.`);
  return {
    name: "grayscale",
    options: { probability },
    draw: (random) =>
      random.chance(probability)
        ? {
            photometric: ({ data }) => {
              for (let i = 0; i < data.length; i += 3) {
                data.fill(Math.round(0.299 * data[i]! + 0.587 * data[i + 1]! + 0.114 * data[i + 2]!), i, i + 3);
              }
            },
          }
        : {},
  };
}
