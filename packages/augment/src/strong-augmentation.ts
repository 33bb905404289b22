import type { Augmentation } from "@acr/core";
import { blur } from "./blur.js";
import { colorJitter } from "./color-jitter.js";
import { compose } from "./compose.js";
import { gamma } from "./gamma.js";
import { grayscale } from "./grayscale.js";
import { noise } from "./noise.js";
import { occlude } from "./occlude.js";
import { randomAffine } from "./random-affine.js";
import { randomFlip } from "./random-flip.js";

/**
 * Wider ranges and more kinds, for long training; the ranges are ours. Flip on half of the faces, rotation ±40°, scale
 * ±20 %, shift ±8 %, brightness and contrast ±40 %, colour ±20 %, gamma 0.71–1.4 on half, grey on 10 %, blur up to 1.5 % of the
 * side on 20 %, noise up to 10 levels on 30 %, one block (9–36 % of the crop a side) on 50 %.
 *
 * @example createLoader(faces, { batchSize: 16, imageSize: 112, augment: strongAugmentation() });
 */
export const strongAugmentation = (): Augmentation =>
  compose([
    randomFlip(),
    randomAffine({ rotationDegrees: 40, scale: 0.2, shift: 0.08 }),
    colorJitter({ brightness: 0.4, contrast: 0.4, color: 0.2 }),
    gamma({ probability: 0.5 }),
    grayscale(),
    blur(),
    noise({ probability: 0.3 }),
    occlude({ probability: 0.5 }),
  ]);
