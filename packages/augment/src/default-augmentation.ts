import type { Augmentation } from "@acr/core";
import { colorJitter } from "./color-jitter.js";
import { compose } from "./compose.js";
import { occlude } from "./occlude.js";
import { randomAffine } from "./random-affine.js";
import { randomFlip } from "./random-flip.js";

/**
 * What recipes use unless they say otherwise: flip on half of the faces, rotation ±25°, scale ±12 %, shift ±5 % of the
 * crop, brightness and contrast ±30 %, colour ±15 %, one block (9–36 % of the crop a side) on 30 % of the faces.
 *
 * @example createLoader(faces, { batchSize: 16, imageSize: 112, augment: defaultAugmentation() });
 */
export const defaultAugmentation = (): Augmentation =>
  compose([randomFlip(), randomAffine(), colorJitter(), occlude()]);
