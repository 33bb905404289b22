import { type Augmentation, InvalidArgumentError, nearestNames } from "@acr/core";
import { blur } from "./blur.js";
import { colorJitter } from "./color-jitter.js";
import { compose } from "./compose.js";
import { gamma } from "./gamma.js";
import { grayscale } from "./grayscale.js";
import { noise } from "./noise.js";
import { occlude } from "./occlude.js";
import { randomAffine } from "./random-affine.js";
import { randomFlip } from "./random-flip.js";

/** An augmentation as JSON: what its `name` and `options` hold. */
export interface AugmentationRecord {
  name: string;
  options?: Readonly<Record<string, unknown>>;
}

const MAKERS: Record<string, (options: never) => Augmentation> = {
  blur,
  colorJitter,
  gamma,
  grayscale,
  noise,
  occlude,
  randomAffine,
  randomFlip,
};

/**
 * Builds an augmentation from its name and options, as recipes store them.
 *
 * @throws {InvalidArgumentError} an unknown name or option.
 * @example createAugmentation({ name: "compose", options: { augmentations: [{ name: "randomFlip" }, { name: "blur" }] } });
 */
export function createAugmentation({ name, options = {} }: AugmentationRecord): Augmentation {
  if (name === "compose") {
    const { augmentations } = options;
    if (!Array.isArray(augmentations))
      throw new InvalidArgumentError(
        `createAugmentation: compose needs "augmentations", a list; got ${typeof augmentations}.`,
      );
    return compose(augmentations.map(createAugmentation));
  }
  if (!Object.hasOwn(MAKERS, name)) {
    const known = ["compose", ...Object.keys(MAKERS)];
    throw new InvalidArgumentError(
      `createAugmentation: unknown name "${name}". Did you mean ${nearestNames(name, known, 1).join()}? Valid names: ${known.join(", ")}.`,
    );
  }
  return MAKERS[name]!(options as never);
}
