import { checkOptions, createRandom, type FaceDataset, InvalidArgumentError } from "@acr/core";
import type { Batch } from "../batch.js";
import type { BatchOptions } from "../create-batches.js";
import { batchPlan } from "./batch-plan.js";
import { batchStream } from "./batch-stream.js";
import { checkBatchOptions } from "./check-batch-options.js";
import { engineOfCache } from "./engine-of-cache.js";
import { FaceEngine } from "./face-engine.js";
import { makeLoader, type Platform } from "./make-loader.js";

/** `createBatches`, wherever it runs. */
export async function* makeBatches(
  dataset: FaceDataset,
  options: BatchOptions,
  { prepared, start }: Platform,
): AsyncGenerator<Batch> {
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
  checkBatchOptions("createBatches", { batchSize, imageSize, protocol, workers, decoder });
  if (cache === true) {
    const loader = makeLoader(dataset, { ...rest, shuffle, dropRemainder }, { prepared, start });
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
  const engine =
    kept ??
    new FaceEngine(dataset, {
      imageSize,
      protocol,
      seed,
      ...(augment && { augment }),
      ...(prepared && { prepared }),
      start,
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
