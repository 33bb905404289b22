import { type Tensor3D, type Tensor4D, tensor3d, tensor4d } from "@tensorflow/tfjs-core";
import type { Batch } from "./batch.js";

/** A batch as tensors, named as `model.fitDataset` expects. */
export interface TensorBatch {
  /** `[B, H, W, 3]` float32, 0–255. */
  xs: Tensor4D;
  /** `[B, K, 2]` float32, `centered` frame. */
  ys: Tensor3D;
}

/**
 * Batches as tensors. The caller owns them. For tf.data: `tf.data.generator(() => tensorBatches(loader.epoch(0)))`.
 *
 * @example for await (const { xs, ys } of tensorBatches(loader.epoch(0))) { …; xs.dispose(); ys.dispose(); }
 */
export async function* tensorBatches(batches: AsyncIterable<Batch>): AsyncGenerator<TensorBatch> {
  for await (const batch of batches) yield toTensors(batch);
}

/** One batch as tensors. */
function toTensors({ images, landmarks, size, imageSize }: Batch): TensorBatch {
  return {
    xs: tensor4d(new Float32Array(images), [size, imageSize, imageSize, 3]),
    ys: tensor3d(landmarks, [size, landmarks.length / size / 2, 2]),
  };
}
