import type { Affine } from "@acr/core";

/** Some faces, ready for a model. */
export interface Batch {
  /** B. */
  size: number;
  /** `[B, H, W, 3]`, row-major, 0–255. */
  images: Uint8Array;
  /** `[B, K, 2]` in the `centered` frame. */
  landmarks: Float32Array;
  ids: string[];
  /** Index of each face in the data set. */
  indices: number[];
  /** Source `pixel` to `centered`, one for each face, augmentation included. */
  sourceToCentered: Affine[];
}
