import type { Augmentation } from "@acr/core";
import { colorJitter } from "./color-jitter.js";
import { compose } from "./compose.js";

/**
 * The ACR paper's: contrast, brightness and colour only.
 *
 * @see Fard and Mahoor, ICPR 2022, arXiv:2203.15835. Deviations: the ranges are not stated there; ±20 %, ±20 % and ±10 % are ours.
 * @example createLoader(faces, { batchSize: 16, imageSize: 112, augment: paperAugmentation() });
 */
export const paperAugmentation = (): Augmentation =>
  compose([colorJitter({ brightness: 0.2, contrast: 0.2, color: 0.1 })]);
