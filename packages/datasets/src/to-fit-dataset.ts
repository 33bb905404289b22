import type { Loader } from "./create-loader.js";
import { type TensorBatch, tensorBatches } from "./tensor-batches.js";

/** What `model.fitDataset` needs of a tf.data `Dataset`. */
export interface FitDataset {
  /** Batches an epoch. */
  readonly size: number;
  /** Each call starts the next epoch. */
  iterator(): Promise<{ next(): Promise<IteratorResult<TensorBatch, undefined>> }>;
}

/**
 * A loader as a data set for `model.fitDataset`, which asks for an iterator each epoch and disposes of the tensors. It
 * needs no `@tensorflow/tfjs-data`; with that, use `tf.data.generator` and `tensorBatches`.
 *
 * @example await model.fitDataset(toFitDataset(loader) as never, { epochs: 20 });
 */
export function toFitDataset(loader: Loader): FitDataset {
  let epoch = 0;
  return {
    size: loader.batchesPerEpoch,
    iterator: async () => {
      const batches = tensorBatches(loader.epoch(epoch++));
      return {
        next: async () => {
          const { value, done } = await batches.next();
          return done ? { value: undefined, done: true } : { value, done: false };
        },
      };
    },
  };
}
