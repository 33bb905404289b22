import { checkOptions, createRandom, type FaceDataset, InvalidArgumentError } from "@acr/core";
import type { Batch } from "./batch.js";
import type { FaceCache } from "./create-face-cache.js";
import { createLoader, type LoaderOptions } from "./create-loader.js";
import { checkProtocol } from "./crop-transform.js";
import { batchPlan } from "./internal/batch-plan.js";
import { batchStream } from "./internal/batch-stream.js";
import { checkBatchSize } from "./internal/check-batch-size.js";
import { checkDecoder } from "./internal/check-decoder.js";
import { checkWorkers } from "./internal/check-workers.js";
import { engineOfCache } from "./internal/engine-of-cache.js";
import { FaceEngine } from "./internal/face-engine.js";
import { preparedOf } from "./internal/prepared-of.js";
import { startRunner } from "./internal/start-runner.js";

/** Options of `createBatches`. */
export interface BatchOptions extends Omit<LoaderOptions, "cacheMegabytes" | "prepared"> {
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
export async function* createBatches(dataset: FaceDataset, options: BatchOptions): AsyncGenerator<Batch> {
  checkOptions("createBatches", options, [
    "batchSize",
    "imageSize",
    "augment",
    "seed",
    "shuffle",
    "dropRemainder",
    "protocol",
    "workers",
    "epoch",
    "cache",
    "skipFaulty",
    "onFault",
    "decoder",
  ]);
  const { epoch = 0, cache = options.augment !== undefined, shuffle = false, dropRemainder = false, ...rest } = options;
  const {
    batchSize,
    imageSize,
    augment,
    seed = 0,
    protocol = "padded",
    workers,
    skipFaulty = false,
    onFault,
    decoder,
  } = rest;
  checkBatchSize("createBatches", batchSize, imageSize);
  checkProtocol("createBatches", protocol);
  checkWorkers("createBatches", workers);
  checkDecoder("createBatches", decoder);
  if (cache === true) {
    const loader = createLoader(dataset, { ...rest, shuffle, dropRemainder });
    try {
      yield* loader.epoch(epoch);
    } finally {
      await loader.close();
    }
    return;
  }
  const kept = cache ? engineOfCache.get(cache) : undefined;
  if (cache) {
    if (!kept || augment)
      throw new InvalidArgumentError(
        "createBatches: cache must come from createFaceCache, without augment. To train, use createLoader.",
      );
    if (cache.imageSize !== imageSize || cache.protocol !== protocol || cache.length !== dataset.length)
      throw new InvalidArgumentError(
        `createBatches: the cache must be made for this data set, imageSize ${imageSize} and protocol ${protocol}; got ${cache.length} faces, ${cache.imageSize} and ${cache.protocol}.`,
      );
  }
  const prepared = preparedOf(dataset);
  const engine =
    kept ??
    new FaceEngine(dataset, {
      imageSize,
      protocol,
      seed,
      ...(augment && { augment }),
      ...(prepared && { prepared }),
      start: () =>
        startRunner({
          faceCount: dataset.length,
          ...(augment && { augment }),
          ...(workers !== undefined && { workers }),
          ...(decoder && { decoder }),
        }),
    });
  const order = shuffle ? createRandom(seed).fork("order", epoch) : undefined;
  try {
    yield* batchStream({
      scheme: dataset.scheme,
      imageSize,
      batches: batchPlan(dataset.length, { batchSize, order, dropRemainder }),
      render: (index) => engine.render(index, { epoch, isTraining: augment !== undefined }),
      onFault: skipFaulty ? (onFault ?? (() => {})) : undefined,
    });
  } finally {
    if (!kept) await engine.close();
  }
}
