import { applyAffine, type FaceDataset, invertAffine } from "@acr/core";
import { createBatches } from "@acr/datasets";
import { type EvaluationResult, evaluate } from "@acr/metrics";
import { type Tensor, tensor4d, tidy } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { Recipe } from "./recipe.js";

/** Faces of an evaluation, in data-set order, in source pixels. */
export interface ModelEvaluation {
  metrics: EvaluationResult;
  ids: string[];
  predictions: Float64Array[];
  targets: ArrayLike<number>[];
}

const EVALUATION_BATCH = 32;

/**
 * Predicts every face of a data set and scores the result in the pixels of the source images.
 *
 * @param model - input `[B, H, W, 3]` (0–255), output `[B, K, 2]` in the `centered` frame.
 * @example const { metrics } = await evaluateModel(run.model, faces, run.recipe);
 */
export async function evaluateModel(
  model: LayersModel,
  faces: FaceDataset,
  { imageSize, normalizer }: Pick<Recipe, "imageSize" | "normalizer">,
): Promise<ModelEvaluation> {
  const ids: string[] = [];
  const predictions: Float64Array[] = [];
  const targets: ArrayLike<number>[] = [];
  for await (const batch of createBatches(faces, { batchSize: EVALUATION_BATCH, imageSize })) {
    const flat = tidy(() => {
      const x = tensor4d(new Float32Array(batch.images), [batch.size, imageSize, imageSize, 3]);
      return (model.apply(x, { training: false }) as Tensor).dataSync();
    });
    const length = flat.length / batch.size;
    for (let i = 0; i < batch.size; i++) {
      const toSource = invertAffine(batch.sourceToCentered[i]!);
      ids.push(batch.ids[i]!);
      predictions.push(applyAffine(toSource, flat.subarray(i * length, (i + 1) * length)));
      targets.push(applyAffine(toSource, batch.landmarks.subarray(i * length, (i + 1) * length)));
    }
  }
  return { metrics: evaluate(predictions, targets, { scheme: faces.scheme, normalizer }), ids, predictions, targets };
}
