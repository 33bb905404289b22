import {
  type Affine,
  type Box,
  checkOptions,
  type FaceDataset,
  InvalidArgumentError,
  invertAffine,
  type RgbImage,
} from "@acr/core";
import { type CropProtocol, checkProtocol, cropTransform } from "./crop-transform.js";
import { pixelToCentered } from "./internal/pixel-to-centered.js";
import { sampleCentered } from "./internal/sample-centered.js";
import { SourceReader } from "./internal/source-reader.js";

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
  /** Faces beyond this are read anew each time. Default 300. */
  megabytes?: number;
  /** Threads that decode; 0 decodes on the main one. Default: up to 2 where it helps. */
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
  /** Ends the decoding threads. The faces stay, and later reads start threads again. */
  close(): Promise<void>;
}

/** Stored side over the crop's side, and stored pixels over the crop's. */
const WIDE = { side: 1.5 / 1.3, pixels: 160 / 112 };

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
  const { imageSize, protocol = "padded", extent = "wide", megabytes = 300, workers } = options;
  if (!Number.isInteger(imageSize) || imageSize < 1)
    throw new InvalidArgumentError(`createFaceCache: imageSize must be an integer >= 1; got ${imageSize}.`);
  if (extent !== "wide" && extent !== "crop")
    throw new InvalidArgumentError(`createFaceCache: extent must be "wide" or "crop"; got ${String(extent)}.`);
  if (!(megabytes >= 0)) throw new InvalidArgumentError(`createFaceCache: megabytes must be >= 0; got ${megabytes}.`);
  if (workers !== undefined && !(Number.isInteger(workers) && workers >= 0))
    throw new InvalidArgumentError(`createFaceCache: workers must be an integer >= 0; got ${workers}.`);
  checkProtocol("createFaceCache", protocol);
  const reader = new SourceReader(dataset, workers);
  const { side, pixels } = extent === "wide" ? WIDE : { side: 1, pixels: 1 };
  const storedSize = Math.round(imageSize * pixels);
  const faceBytes = storedSize * storedSize * 3;
  const stored = new Map<number, Promise<CachedFace>>();
  let bytes = 0;

  const read = async (index: number): Promise<CachedFace> => {
    const { id, image, box, landmarks, visible } = await reader.face(index);
    const sourceToStored = cropTransform(box, { protocol }).map((value) => value / side) as unknown as Affine;
    const imageToSource = imageFrame(sourceToStored, storedSize);
    return {
      id,
      image: sampleCentered(image, sourceToStored, storedSize),
      imageToSource,
      box,
      landmarks,
      ...(visible && { visible }),
    };
  };
  return {
    imageSize,
    protocol,
    length: dataset.length,
    get bytes() {
      return bytes;
    },
    annotations: async (index) => {
      const { id, box, landmarks, visible } = await reader.annotations(index);
      return { id, box, landmarks, ...(visible && { visible }) };
    },
    get: (index) => {
      const known = stored.get(index);
      if (known) return known;
      const face = read(index);
      if (bytes + faceBytes <= megabytes * 1e6) {
        bytes += faceBytes;
        stored.set(index, face);
        // A face that could not be read is not remembered, so that a later try can succeed.
        face.catch(() => {
          stored.delete(index);
          bytes -= faceBytes;
        });
      }
      return face;
    },
    close: () => reader.close(),
  };
}

/** Pixels of a stored crop to pixels of its source. */
function imageFrame(sourceToStored: Affine, storedSize: number): Affine {
  const [a, b, c, d, e, f] = invertAffine(sourceToStored);
  const [s, , t] = pixelToCentered(storedSize);
  return [a * s, b * s, (a + b) * t + c, d * s, e * s, (d + e) * t + f];
}
