import type { FaceDataset } from "@acr/core";
import type { Batch } from "../batch.js";
import type { BatchOptions } from "../create-batches.js";
import { makeBatches } from "../internal/make-batches.js";
import { startHere } from "./start-here.js";

/** Options of `createBatches` in the browser: those of Node but the threads, the decoder and a cache of one's own. */
export type BrowserBatchOptions = Omit<BatchOptions, "workers" | "decoder" | "cache"> & { cache?: boolean };

/**
 * `createBatches` of the package for the browser: one pass, the same crops for the same seed.
 *
 * @throws {InvalidArgumentError} an option is out of range.   @throws {DataFormatError} a picture cannot be decoded, unless skipFaulty.
 * @example for await (const { images } of createBatches(faces, { batchSize: 8, imageSize: 112 })) { … }
 */
export function createBatches(dataset: FaceDataset, options: BrowserBatchOptions): AsyncGenerator<Batch> {
  return makeBatches(dataset, options, startHere("createBatches", options));
}
