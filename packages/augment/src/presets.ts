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

/** What recipes use unless they say otherwise: flip, ±25°, ±12 %, ±5 %, brightness and contrast ±30 %, colour ±15 %, a block on 30 %. */
export const defaultAugmentation = (): Augmentation =>
  compose([randomFlip(), randomAffine(), colorJitter(), occlude()]);

/** The paper's: contrast, brightness and colour only (arXiv:2203.15835). Its ranges are not stated; these are ours. */
export const paperAugmentation = (): Augmentation =>
  compose([colorJitter({ brightness: 0.2, contrast: 0.2, color: 0.1 })]);

/** Wider ranges and more kinds, for long training. */
export const strongAugmentation = (): Augmentation =>
  compose([
    randomFlip(),
    randomAffine({ rotationDegrees: 40, scale: 0.2, shift: 0.08 }),
    colorJitter({ brightness: 0.4, contrast: 0.4, color: 0.2 }),
    gamma(),
    grayscale(),
    blur(),
    noise(),
    occlude({ probability: 0.5 }),
  ]);
