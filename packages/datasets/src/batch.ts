import type { Affine } from "@acr/core";

/** Some faces, ready for a model. */
export interface Batch {
  /** B. */
  size: number;
  /** Place of the batch in its pass; a number is passed over where all faces of a batch were left out. */
  index: number;
  /** H and W. */
  imageSize: number;
  /** `[B, H, W, 3]`, row-major, 0–255. */
  images: Uint8Array;
  /**
   * With `deferPixels`: what is still to be done to the images, packed by `packPixelChanges`. `pixelsToTensor` of
   * `@acr/kernels` does it on the device, `applyPixelChanges` of `@acr/core` here.
   */
  changes?: Uint8Array;
  /** `[B, K, 2]` in the `centered` frame. */
  landmarks: Float32Array;
  /** `[B, K]`, 1 = visible; all ones where the data set does not say. */
  visible: Uint8Array;
  ids: string[];
  /** Index of each face in the data set. */
  indices: number[];
  /**
   * Source `pixel` to `centered`, one for each face, augmentation included. Its inverse brings predictions back to the
   * source; those of a mirrored face are also to be renumbered by the scheme's mirror map.
   */
  sourceToCentered: Affine[];
  /** B flags, 1 = mirrored by the augmentation. */
  mirrored: Uint8Array;
}
