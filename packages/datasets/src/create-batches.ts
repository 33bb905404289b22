import {
  applyAffine,
  checkOptions,
  composeAffine,
  createRandom,
  type FaceDataset,
  InvalidArgumentError,
} from "@acr/core";
import type { Batch } from "./batch.js";
import type { FaceCache } from "./create-face-cache.js";
import { createLoader, type LoaderOptions } from "./create-loader.js";
import { checkProtocol, cropTransform } from "./crop-transform.js";
import { assembleBatches } from "./internal/assemble-batches.js";
import { checkBatchSize } from "./internal/check-batch-size.js";
import { SourceReader } from "./internal/source-reader.js";

/** Options of `createBatches`. */
export interface BatchOptions extends Omit<LoaderOptions, "cacheMegabytes"> {
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
   * with `createFaceCache` lives over many calls. Default: true with `augment`, else false.
   */
  cache?: boolean | FaceCache;
}

/**
 * One pass over a data set. Without options beyond the sizes: every face once, in order, cropped by the `padded` protocol,
 * without augmentation, as evaluation needs it. To train for many epochs use `createLoader`, which decodes only once.
 *
 * @returns batches; what they hold depends on seed, epoch and face only, not on `workers`.
 * @throws {InvalidArgumentError} an option is out of range.   @throws {DataFormatError} a picture cannot be decoded.
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
  ]);
  const { epoch = 0, cache = options.augment !== undefined, shuffle = false, dropRemainder = false, ...rest } = options;
  const { batchSize, imageSize, augment, seed = 0, protocol = "padded", workers } = rest;
  checkBatchSize("createBatches", batchSize, imageSize);
  checkProtocol("createBatches", protocol);
  if (
    typeof cache === "object" &&
    (cache.imageSize !== imageSize || cache.protocol !== protocol || cache.length !== dataset.length)
  ) {
    throw new InvalidArgumentError(
      `createBatches: the cache must be made for this data set, imageSize ${imageSize} and protocol ${protocol}; got ${cache.length} faces, ${cache.imageSize} and ${cache.protocol}.`,
    );
  }
  if (cache === true) {
    const loader = createLoader(dataset, { ...rest, shuffle, dropRemainder });
    try {
      yield* loader.epoch(epoch);
    } finally {
      await loader.close();
    }
    return;
  }
  const root = createRandom(seed);
  const order = shuffle
    ? root.fork("order", epoch).permutation(dataset.length)
    : Uint32Array.from({ length: dataset.length }, (_, i) => i);
  const batches = [];
  for (let start = 0; start < dataset.length; start += batchSize) {
    const indices = [...order.subarray(start, start + batchSize)];
    if (indices.length === batchSize || !dropRemainder) batches.push(indices);
  }
  const reader = new SourceReader(dataset, workers);
  try {
    yield* assembleBatches({
      scheme: dataset.scheme,
      imageSize,
      batches,
      read: async (index) => {
        const cached = cache ? await cache.get(index) : undefined;
        const { id, image, box, landmarks, visible } = cached ?? (await reader.face(index));
        const random = protocol === "paper" && augment ? root.fork("margins", epoch, index) : undefined;
        const sourceToCentered = cropTransform(box, { protocol, random });
        return {
          id,
          index,
          image,
          landmarks: applyAffine(sourceToCentered, landmarks),
          visible,
          imageToCentered: cached ? composeAffine(cached.imageToSource, sourceToCentered) : sourceToCentered,
          sourceToCentered,
        };
      },
      draw: (index) => augment?.draw(root.fork("augment", epoch, index)),
    });
  } finally {
    await reader.close();
  }
}
