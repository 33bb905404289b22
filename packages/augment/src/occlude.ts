import { type Augmentation, checkOptions, InvalidArgumentError } from "@acr/core";

/** Options of `occlude`. */
export interface OccludeOptions {
  /** Default 0.3. */
  probability?: number;
  /** Shortest and longest side of the block, as shares of the crop's side. Defaults 0.09 and 0.36. */
  minimum?: number;
  maximum?: number;
}

/**
 * Covers the picture with one block of a random colour.
 *
 * @throws {InvalidArgumentError} probability outside [0, 1], sizes outside 0 < minimum <= maximum <= 1, an unknown option.
 * @example occlude({ probability: 0.5 });
 */
export function occlude(options: OccludeOptions = {}): Augmentation {
  checkOptions("occlude", options, ["probability", "minimum", "maximum"]);
  const { probability = 0.3, minimum = 0.09, maximum = 0.36 } = options;
  if (!(probability >= 0 && probability <= 1))
    throw new InvalidArgumentError(`occlude: probability must be in [0, 1]; got ${probability}.`);
  if (!(minimum > 0 && minimum <= maximum && maximum <= 1)) {
    throw new InvalidArgumentError(
      `occlude: sizes must satisfy 0 < minimum <= maximum <= 1; got ${minimum} and ${maximum}.`,
    );
  }
  return {
    name: "occlude",
    options: { probability, minimum, maximum },
    draw: (random) => {
      if (!random.chance(probability)) return {};
      const sides = [random.uniform(minimum, maximum), random.uniform(minimum, maximum)];
      const place = [random.uniform(), random.uniform()];
      const color = [random.integer(256), random.integer(256), random.integer(256)];
      return {
        photometric: ({ width, height, data }) => {
          const [w, h] = [Math.max(1, Math.round(sides[0]! * width)), Math.max(1, Math.round(sides[1]! * height))];
          const [left, top] = [Math.floor(place[0]! * (width - w + 1)), Math.floor(place[1]! * (height - h + 1))];
          for (let y = top; y < top + h; y++) {
            for (let x = left; x < left + w; x++) data.set(color, (y * width + x) * 3);
          }
        },
      };
    },
  };
}
