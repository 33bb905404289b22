import { applyAffine, checkOptions, type FaceDataset, InvalidArgumentError } from "@acr/core";
import type { Batch } from "./batch.js";
import { cropImage } from "./crop-image.js";

/** Options of `createBatches`. */
export interface BatchOptions {
  /** Faces a batch, >= 1; the last batch may be smaller. */
  batchSize: number;
  /** Side of the crops in pixels. */
  imageSize: number;
}

/**
 * Every face of a data set once, in order, cropped by the `padded` protocol, without augmentation: for evaluation. For
 * training use `createLoader`.
 *
 * @throws {InvalidArgumentError} a size is not a positive integer.   @throws {DataFormatError} a picture cannot be decoded.
 * @example for await (const { images, landmarks } of createBatches(faces, { batchSize: 32, imageSize: 112 })) { … }
 */
export async function* createBatches(dataset: FaceDataset, options: BatchOptions): AsyncGenerator<Batch> {
  checkOptions("createBatches", options, ["batchSize", "imageSize"]);
  const { batchSize, imageSize } = options;
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw new InvalidArgumentError(`createBatches: batchSize must be an integer >= 1; got ${batchSize}.`);
  const pixels = imageSize * imageSize * 3;
  const length = dataset.scheme.landmarkCount * 2;
  for (let start = 0; start < dataset.length; start += batchSize) {
    const size = Math.min(batchSize, dataset.length - start);
    const batch: Batch = {
      size,
      images: new Uint8Array(size * pixels),
      landmarks: new Float32Array(size * length),
      ids: [],
      indices: [],
      sourceToCentered: [],
    };
    for (let i = 0; i < size; i++) {
      const face = await dataset.get(start + i);
      const { image, sourceToCentered } = cropImage(face.image, face.box, { imageSize });
      batch.images.set(image.data, i * pixels);
      batch.landmarks.set(applyAffine(sourceToCentered, face.landmarks), i * length);
      batch.ids.push(face.id);
      batch.indices.push(start + i);
      batch.sourceToCentered.push(sourceToCentered);
    }
    yield batch;
  }
}
