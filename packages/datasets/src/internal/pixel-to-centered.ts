import type { Affine } from "@acr/core";

/** Pixels of a crop (centres on integers) to its `centered` frame. */
export const pixelToCentered = (imageSize: number): Affine => [
  1 / imageSize,
  0,
  0.5 / imageSize - 0.5,
  0,
  1 / imageSize,
  0.5 / imageSize - 0.5,
];
