import { type Affine, type Box, checkOptions, type FaceDataset, InvalidArgumentError, type RgbImage } from "@acr/core";
import { type CropProtocol, checkProtocol } from "./crop-transform.js";
import { cacheOf, DEFAULT_MEGABYTES } from "./internal/cache-of.js";
import { checkWorkers } from "./internal/check-workers.js";
import { FaceEngine } from "./internal/face-engine.js";
import { preparedOf } from "./internal/prepared-of.js";
import { startRunner } from "./internal/start-runner.js";

/** Options of `createFaceCache`. */
export interface FaceCacheOptions {
  /** Side of the network's crops in pixels. */
  imageSize: number;
  /** Default `padded`. */
  protocol?: CropProtocol;
  /**
   * `wide`: 1.5 / 1.3 of the crop, at 160 / 112 of its resolution, so that turned and shifted faces still have pixels at
   * the rim. `crop`: the crop itself, for evaluation. Default `wide`.
   */
  extent?: "wide" | "crop";
  /** Faces beyond this are read anew each time. Default 200. */
  megabytes?: number;
  /** Threads; 0 works on the main one. Default: up to 2 where it helps. */
  workers?: number;
}

/** A face with the part of its picture that crops need. */
export interface CachedFace {
  id: string;
  image: RgbImage;
  /** Pixels of `image` to pixels of the source. */
  imageToSource: Affine;
  box: Box;
  /** Source `pixel` frame. */
  landmarks: ArrayLike<number>;
  visible?: ArrayLike<number>;
}

/** Crops of a data set in memory: each picture is decoded once. */
export interface FaceCache {
  readonly imageSize: number;
  readonly protocol: CropProtocol;
  readonly length: number;
  /** Bytes of pixels held now. */
  readonly bytes: number;
  get(index: number): Promise<CachedFace>;
  /** Labels alone; decodes nothing where the data set allows it. */
  annotations(index: number): Promise<Omit<CachedFace, "image" | "imageToSource">>;
  /** Ends the threads. The faces stay, and later reads start threads again. */
  close(): Promise<void>;
}

/**
 * Keeps a crop of each face in memory, as 8-bit RGB: 3 · (1.43 · imageSize)² bytes, 77 kB a face at 112 px.
 *
 * @throws {InvalidArgumentError} an option is out of range.
 * @example
 * const cache = createFaceCache(faces, { imageSize: 112, extent: "crop" });
 * for await (const batch of createBatches(faces, { batchSize: 32, imageSize: 112, cache })) { … }
 */
export function createFaceCache(dataset: FaceDataset, options: FaceCacheOptions): FaceCache {
  checkOptions("createFaceCache", options, ["imageSize", "protocol", "extent", "megabytes", "workers"]);
  const { imageSize, protocol = "padded", extent = "wide", megabytes = DEFAULT_MEGABYTES, workers } = options;
  if (!Number.isInteger(imageSize) || imageSize < 1)
    throw new InvalidArgumentError(`createFaceCache: imageSize must be an integer >= 1; got ${imageSize}.`);
  if (extent !== "wide" && extent !== "crop")
    throw new InvalidArgumentError(`createFaceCache: extent must be "wide" or "crop"; got ${String(extent)}.`);
  if (!(megabytes >= 0)) throw new InvalidArgumentError(`createFaceCache: megabytes must be >= 0; got ${megabytes}.`);
  checkWorkers("createFaceCache", workers);
  checkProtocol("createFaceCache", protocol);
  const prepared = preparedOf(dataset);
  const engine = new FaceEngine(dataset, {
    imageSize,
    protocol,
    extent,
    megabytes,
    ...(prepared && { prepared }),
    start: () => startRunner({ faceCount: dataset.length, ...(workers !== undefined && { workers }) }),
  });
  return cacheOf(engine, { imageSize, protocol });
}
