import type { LayersModel } from "@tensorflow/tfjs-layers";
import { centeredPrediction } from "./internal/centered-prediction.js";
import type { PredictCenteredOptions } from "./predict-centered.js";

/**
 * `predictCentered` without a read that blocks: the one for `webgpu`, where nothing can be read at once. Parameters, result
 * and errors are the same.
 *
 * @example const flat = await predictCenteredAsync(run.fused, crop.image.data, { imageSize: 112, scheme: run.scheme });
 */
export async function predictCenteredAsync(
  model: LayersModel,
  images: ArrayLike<number>,
  options: PredictCenteredOptions,
): Promise<Float32Array> {
  const prediction = centeredPrediction(model, images, options, "predictCenteredAsync");
  try {
    return (await prediction.data()) as Float32Array;
  } finally {
    prediction.dispose();
  }
}
