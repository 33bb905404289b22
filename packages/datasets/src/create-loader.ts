import type { Augmentation, FaceDataset } from "@acr/core";
import type { Batch } from "./batch.js";
import type { FaceCache } from "./create-face-cache.js";
import type { CropProtocol } from "./crop-transform.js";
import type { DataFault } from "./data-fault.js";
import { makeLoader } from "./internal/make-loader.js";
import { preparedOf } from "./internal/prepared-of.js";
import { startRunner } from "./internal/start-runner.js";

/** Options of `createLoader`. */
export interface LoaderOptions {
  /** Faces a batch, >= 1. */
  batchSize: number;
  /** Side of the crops in pixels. */
  imageSize: number;
  /** Default: none. */
  augment?: Augmentation;
  /**
   * Leave the last photometric changes, tones, grey and a block, to the device: batches hold them as `changes`, and their
   * images lack them. What comes out is the same to the last bit. Default false.
   */
  deferPixels?: boolean;
  /** Default 0. */
  seed?: number;
  /** A new order each epoch. Default true. */
  shuffle?: boolean;
  /** Leave out the last batch where it is incomplete. Default true. */
  dropRemainder?: boolean;
  /** Default `padded`. */
  protocol?: CropProtocol;
  /** Threads that decode, crop and augment; 0 does all on the main one. Default: up to 2 where it helps. */
  workers?: number;
  /** Which library decodes. Default: sharp where it is installed, else jimp; they differ by a grey level or two. */
  decoder?: "sharp" | "jimp";
  /** Memory for stored crops; faces beyond it are decoded each epoch. Default 200. */
  cacheMegabytes?: number;
  /**
   * Leave faces out whose picture cannot be read, instead of ending the pass; their batch is smaller. Default false.
   */
  skipFaulty?: boolean;
  /** Takes each face that is left out. */
  onFault?(fault: DataFault): void;
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
  /** Ends the threads; they do not keep the process alive anyway. */
  close(): Promise<void>;
}

/**
 * Reads each face once, keeps a wide crop of it in memory (see `createFaceCache`), and makes augmented batches from that
 * with one more resampling. Threads decode, crop and augment ahead while the model trains; at most twice the batch is
 * under way. Faces of a prepared file (`openPrepared`) are read from there each time.
 *
 * @throws {InvalidArgumentError} an option is out of range, or batchSize exceeds the data set.
 * @example
 * const loader = createLoader(faces, { batchSize: 16, imageSize: 112, augment: defaultAugmentation(), seed: 1 });
 * for await (const batch of loader.epoch(0)) { … }
 */
export function createLoader(dataset: FaceDataset, options: LoaderOptions): Loader {
  return makeLoader(dataset, options, {
    prepared: preparedOf(dataset),
    start: () => startRunner({ ...options, faceCount: dataset.length }),
  });
}
