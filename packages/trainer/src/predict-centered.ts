import type { LandmarkScheme } from "@acr/core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { centeredPrediction } from "./internal/centered-prediction.js";

/** Options of `predictCentered`. */
export interface PredictCenteredOptions {
  /** Side of the crops in pixels. */
  imageSize: number;
  /** Numbering of the model's landmarks. */
  scheme: LandmarkScheme;
  /** Predict the mirrored crops too, mirror those landmarks back, and average. Default false. */
  flipTest?: boolean;
}

/**
 * Landmarks of some crops.
 *
 * Flip test: pixel column i goes to N − 1 − i, so centered x becomes −x exactly, and landmark k is the mirrored
 * prediction of its partner: pₖ = (f(I)ₖ + (−x, y) of f(mirror I) at mirror[k]) / 2.
 *
 * @param model - input `[B, H, W, 3]` (0–255), first output `[B, K, 2]` in the `centered` frame.
 * @param images - B crops, row-major `[B, H, W, 3]`, 0–255.
 * @returns B · 2K numbers in the `centered` frame.
 * @throws {ShapeError} images does not hold whole crops, or the model has another number of landmarks.
 * @example const flat = predictCentered(run.fused, crop.image.data, { imageSize: 112, scheme: run.scheme });
 */
export function predictCentered(
  model: LayersModel,
  images: ArrayLike<number>,
  options: PredictCenteredOptions,
): Float32Array {
  const prediction = centeredPrediction(model, images, options, "predictCentered");
  try {
    return prediction.dataSync() as Float32Array;
  } finally {
    prediction.dispose();
  }
}
