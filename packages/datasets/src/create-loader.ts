import {
  type Augmentation,
  applyAffine,
  checkOptions,
  composeAffine,
  createRandom,
  type FaceDataset,
  InvalidArgumentError,
} from "@acr/core";
import type { Batch } from "./batch.js";
import { createFaceCache, type FaceCache } from "./create-face-cache.js";
import { type CropProtocol, checkProtocol, cropTransform } from "./crop-transform.js";
import { assembleBatches } from "./internal/assemble-batches.js";
import { checkBatchSize } from "./internal/check-batch-size.js";

/** Options of `createLoader`. */
export interface LoaderOptions {
  /** Faces a batch, >= 1. */
  batchSize: number;
  /** Side of the crops in pixels. */
  imageSize: number;
  /** Default: none. */
  augment?: Augmentation;
  /** Default 0. */
  seed?: number;
  /** A new order each epoch. Default true. */
  shuffle?: boolean;
  /** Leave out the last batch where it is incomplete. Default true. */
  dropRemainder?: boolean;
  /** Default `padded`. */
  protocol?: CropProtocol;
  /** Threads that decode; 0 decodes on the main one. Default: up to 2 where it helps. */
  workers?: number;
  /** Memory for stored crops; faces beyond it are decoded each epoch. Default 300. */
  cacheMegabytes?: number;
}

/** Shuffled, augmented batches for training, epoch by epoch. */
export interface Loader {
  readonly batchesPerEpoch: number;
  /** The stored crops, to look at their size. */
  readonly cache: FaceCache;
  /**
   * The batches of an epoch, from `firstBatch` on (to resume). What they hold depends on seed, epoch and face only.
   */
  epoch(epoch: number, options?: { firstBatch?: number }): AsyncGenerator<Batch>;
  /** The landmarks of every face in the `centered` frame of its crop, un-augmented. Decodes nothing where the data set allows it. */
  shapes(): Promise<Float64Array[]>;
  /** Ends the decoding threads; they do not keep the process alive anyway. */
  close(): Promise<void>;
}

/**
 * Reads each face once, keeps a wide crop of it in memory (see `createFaceCache`), and makes augmented batches from that
 * with one more resampling. Threads decode ahead while the model trains.
 *
 * @throws {InvalidArgumentError} an option is out of range, or batchSize exceeds the data set.
 * @example
 * const loader = createLoader(faces, { batchSize: 16, imageSize: 112, augment: defaultAugmentation(), seed: 1 });
 * for await (const batch of loader.epoch(0)) { … }
 */
export function createLoader(dataset: FaceDataset, options: LoaderOptions): Loader {
  checkOptions("createLoader", options, [
    "batchSize",
    "imageSize",
    "augment",
    "seed",
    "shuffle",
    "dropRemainder",
    "protocol",
    "workers",
    "cacheMegabytes",
  ]);
  const {
    batchSize,
    imageSize,
    augment,
    seed = 0,
    shuffle = true,
    dropRemainder = true,
    protocol = "padded",
    workers,
    cacheMegabytes,
  } = options;
  checkBatchSize("createLoader", batchSize, imageSize);
  if (dropRemainder && batchSize > dataset.length) {
    throw new InvalidArgumentError(
      `createLoader: batchSize must be an integer from 1 to the data set's ${dataset.length}; got ${batchSize}.`,
    );
  }
  checkProtocol("createLoader", protocol);
  const cache = createFaceCache(dataset, { imageSize, protocol, workers, megabytes: cacheMegabytes });
  const root = createRandom(seed);
  const batchesPerEpoch = dropRemainder
    ? Math.floor(dataset.length / batchSize)
    : Math.ceil(dataset.length / batchSize);
  return {
    batchesPerEpoch,
    cache,
    shapes: async () => {
      const shapes: Float64Array[] = [];
      for (let i = 0; i < dataset.length; i++) {
        const { box, landmarks } = await cache.annotations(i);
        shapes.push(applyAffine(cropTransform(box, { protocol }), landmarks));
      }
      return shapes;
    },
    epoch: async function* (epoch, { firstBatch = 0 } = {}) {
      const order = shuffle
        ? root.fork("order", epoch).permutation(dataset.length)
        : Uint32Array.from({ length: dataset.length }, (_, i) => i);
      const batches = [];
      for (let b = firstBatch; b < batchesPerEpoch; b++)
        batches.push([...order.subarray(b * batchSize, (b + 1) * batchSize)]);
      yield* assembleBatches({
        scheme: dataset.scheme,
        imageSize,
        batches,
        read: async (index) => {
          const { id, image, imageToSource, box, landmarks, visible } = await cache.get(index);
          const random = protocol === "paper" ? root.fork("margins", epoch, index) : undefined;
          const sourceToCentered = cropTransform(box, { protocol, random });
          return {
            id,
            index,
            image,
            landmarks: applyAffine(sourceToCentered, landmarks),
            visible,
            imageToCentered: composeAffine(imageToSource, sourceToCentered),
            sourceToCentered,
          };
        },
        draw: (index) => augment?.draw(root.fork("augment", epoch, index)),
      });
    },
    close: () => cache.close(),
  };
}
