import type { FaceDataset } from "@acr/core";
import type { Batch } from "./batch.js";
import type { FaceCache } from "./create-face-cache.js";
import type { LoaderOptions } from "./create-loader.js";
import { makeBatches } from "./internal/make-batches.js";
import { preparedOf } from "./internal/prepared-of.js";
import { startRunner } from "./internal/start-runner.js";

/** Options of `createBatches`. */
export interface BatchOptions extends Omit<LoaderOptions, "cacheMegabytes" | "prepared" | "deferPixels"> {
  /** Faces a batch, >= 1; the last batch may be smaller unless `dropRemainder`. */
  batchSize: number;
  /** Default false. */
  shuffle?: boolean;
  /** Default false. */
  dropRemainder?: boolean;
  /** Chooses order and augmentation together with `seed`. Default 0. */
  epoch?: number;
  /**
   * `false` crops straight from the source, `true` goes through a wide stored crop as `createLoader` does. A cache made
   * with `createFaceCache` lives over many calls; it is not for augmentation. Default: true with `augment`, else false.
   */
  cache?: boolean | FaceCache;
}

/**
 * One pass over a data set. Without options beyond the sizes: every face once, in order, cropped by the `padded` protocol,
 * without augmentation, as evaluation needs it. To train for many epochs use `createLoader`, which decodes only once.
 *
 * @returns batches; what they hold depends on seed, epoch and face only, not on `workers`.
 * @throws {InvalidArgumentError} an option is out of range.
 * @throws {DataFormatError} a picture cannot be decoded, unless skipFaulty.
 * @example for await (const { images, landmarks } of createBatches(faces, { batchSize: 32, imageSize: 112 })) { … }
 */
export function createBatches(dataset: FaceDataset, options: BatchOptions): AsyncGenerator<Batch> {
  return makeBatches(dataset, options, {
    prepared: preparedOf(dataset),
    start: () => startRunner({ ...options, faceCount: dataset.length }),
  });
}
