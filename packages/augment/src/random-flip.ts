import { type Augmentation, checkOptions, InvalidArgumentError } from "@acr/core";

/**
 * Mirrors the face left to right; landmarks are renumbered by the scheme's mirror map.
 *
 * @throws {InvalidArgumentError} probability outside [0, 1] or an unknown option.
 * @example randomFlip({ probability: 0.5 });
 */
export function randomFlip(options: { probability?: number } = {}): Augmentation {
  checkOptions("randomFlip", options, ["probability"]);
  const { probability = 0.5 } = options;
  if (!(probability >= 0 && probability <= 1))
    throw new InvalidArgumentError(`randomFlip: probability must be in [0, 1]; got ${probability}.`);
  return {
    name: "randomFlip",
    options: { probability },
    draw: (random) => (random.chance(probability) ? { geometry: [-1, 0, 0, 0, 1, 0], mirrored: true } : {}),
  };
}
