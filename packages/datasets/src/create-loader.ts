import {
  type Affine,
  type Augmentation,
  applyAffine,
  checkOptions,
  composeAffine,
  createRandom,
  type FaceDataset,
  InvalidArgumentError,
  type RgbImage,
} from "@acr/core";
import type { Batch } from "./batch.js";
import { PADDED_ENLARGEMENT, paddedCropTransform, sampleCentered } from "./crop-image.js";

/** Options of `createLoader`. */
export interface LoaderOptions {
  /** Faces a batch, >= 1. Incomplete batches are left out. */
  batchSize: number;
  /** Side of the crops in pixels. */
  imageSize: number;
  /** Default: none. */
  augment?: Augmentation;
  /** Default 0. */
  seed?: number;
}

/** Shuffled, augmented batches for training, epoch by epoch. */
export interface Loader {
  readonly batchesPerEpoch: number;
  /**
   * The batches of an epoch, from `firstBatch` on (to resume). What they hold depends on seed, epoch and face only.
   */
  epoch(epoch: number, options?: { firstBatch?: number }): AsyncGenerator<Batch>;
  /** The landmarks of every face in the `centered` frame of its crop, un-augmented. Decodes every picture once. */
  shapes(): Promise<Float64Array[]>;
}

/** The stored crop is wider than the network's, so that turned and shifted faces still have pixels at the rim. */
const STORED_ENLARGEMENT = 1.5;
/** Pixels of the stored crop for each of the network's: 160 for 112. */
const STORED_RESOLUTION = 160 / 112;

interface StoredFace {
  id: string;
  image: RgbImage;
  /** In the stored crop's own centered frame. */
  landmarks: Float64Array;
  sourceToStored: Affine;
}

/** From the stored crop's centered frame to the network's. */
const ZOOM = STORED_ENLARGEMENT / PADDED_ENLARGEMENT;
const TO_CROP: Affine = [ZOOM, 0, 0, 0, ZOOM, 0];

/**
 * Reads each face once, keeps a wide crop of it in memory (3 · (1.43 · imageSize)² bytes a face: 77 kB at 112 px), and
 * makes augmented batches from that with one more resampling.
 *
 * @throws {InvalidArgumentError} a size is not a positive integer, or batchSize exceeds the data set.
 * @example
 * const loader = createLoader(faces, { batchSize: 16, imageSize: 112, augment: defaultAugmentation(), seed: 1 });
 * for await (const batch of loader.epoch(0)) { … }
 */
export function createLoader(dataset: FaceDataset, options: LoaderOptions): Loader {
  checkOptions("createLoader", options, ["batchSize", "imageSize", "augment", "seed"]);
  const { batchSize, imageSize, augment, seed = 0 } = options;
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > dataset.length) {
    throw new InvalidArgumentError(
      `createLoader: batchSize must be an integer from 1 to the data set's ${dataset.length}; got ${batchSize}.`,
    );
  }
  if (!Number.isInteger(imageSize) || imageSize < 1)
    throw new InvalidArgumentError(`createLoader: imageSize must be an integer >= 1; got ${imageSize}.`);
  const stored = new Map<number, StoredFace>();
  const storedSize = Math.round(imageSize * STORED_RESOLUTION);
  const { mirror, landmarkCount } = dataset.scheme;
  const root = createRandom(seed);

  const read = async (index: number): Promise<StoredFace> => {
    let face = stored.get(index);
    if (!face) {
      const { id, image, box, landmarks } = await dataset.get(index);
      const sourceToStored = paddedCropTransform(box, STORED_ENLARGEMENT);
      face = {
        id,
        image: sampleCentered(image, sourceToStored, storedSize),
        landmarks: applyAffine(sourceToStored, landmarks),
        sourceToStored,
      };
      stored.set(index, face);
    }
    return face;
  };

  /** The stored crop's pixel frame to its centered frame. */
  const pixelToStored: Affine = [1 / storedSize, 0, 0.5 / storedSize - 0.5, 0, 1 / storedSize, 0.5 / storedSize - 0.5];
  const batchesPerEpoch = Math.floor(dataset.length / batchSize);
  return {
    batchesPerEpoch,
    shapes: async () => {
      const shapes: Float64Array[] = [];
      for (let i = 0; i < dataset.length; i++) shapes.push(applyAffine(TO_CROP, (await read(i)).landmarks));
      return shapes;
    },
    epoch: async function* (epoch, { firstBatch = 0 } = {}) {
      const order = root.fork("order", epoch).permutation(dataset.length);
      const pixels = imageSize * imageSize * 3;
      for (let b = firstBatch; b < batchesPerEpoch; b++) {
        const batch: Batch = {
          size: batchSize,
          images: new Uint8Array(batchSize * pixels),
          landmarks: new Float32Array(batchSize * landmarkCount * 2),
          ids: [],
          indices: [],
          sourceToCentered: [],
        };
        for (let i = 0; i < batchSize; i++) {
          const index = order[b * batchSize + i]!;
          const { id, image, landmarks, sourceToStored } = await read(index);
          const { geometry, mirrored, photometric } = augment?.draw(root.fork("augment", epoch, index)) ?? {};
          const storedToCrop = geometry ? composeAffine(TO_CROP, geometry) : TO_CROP;
          const crop = sampleCentered(image, composeAffine(pixelToStored, storedToCrop), imageSize);
          photometric?.(crop);
          batch.images.set(crop.data, i * pixels);
          const moved = applyAffine(storedToCrop, landmarks);
          const offset = i * landmarkCount * 2;
          for (let k = 0; k < landmarkCount; k++) {
            const from = mirrored ? mirror[k]! : k;
            batch.landmarks[offset + 2 * k] = moved[2 * from]!;
            batch.landmarks[offset + 2 * k + 1] = moved[2 * from + 1]!;
          }
          batch.ids.push(id);
          batch.indices.push(index);
          batch.sourceToCentered.push(composeAffine(sourceToStored, storedToCrop));
        }
        yield batch;
      }
    },
  };
}
