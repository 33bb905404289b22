import type { FaceDataset } from "@acr/core";
import type { Loader, LoaderOptions } from "../create-loader.js";
import { makeLoader } from "../internal/make-loader.js";
import { startHere } from "./start-here.js";

/** Options of `createLoader` in the browser: those of Node but the threads and the decoder. */
export type BrowserLoaderOptions = Omit<LoaderOptions, "workers" | "decoder">;

/**
 * `createLoader` of the package for the browser: the same order, crops and augmentations for the same seed. Pictures are decoded by the
 * browser, off the main thread where it can; crops are made on the calling one, which may be a web worker.
 *
 * @throws {InvalidArgumentError} an option is out of range, or batchSize exceeds the data set.
 * @example const loader = createLoader(await openFiles({ files }), { batchSize: 8, imageSize: 112 });
 */
export function createLoader(dataset: FaceDataset, options: BrowserLoaderOptions): Loader {
  return makeLoader(dataset, options, startHere("createLoader", options));
}
