import { applyAffine, createRandom, type Face, type FaceDataset } from "@acr/core";
import { type Crop, type CropImageOptions, cropImage } from "./crop-image.js";

/** Options of `cropFaces`. */
export interface CropFacesOptions extends Omit<CropImageOptions, "random"> {
  /** For the margins of the `paper` protocol; each face has its own draw. Without it they are 10 px. */
  seed?: number;
}

/** A crop with its labels. */
export interface FaceCrop extends Crop {
  id: string;
  /** Flat, 2K values, `centered` frame. */
  landmarks: Float64Array;
  /** K flags, where the data set has them. */
  visible?: ArrayLike<number>;
}

/**
 * Crops every face of a data set, or of any list of faces, one at a time.
 *
 * @throws {InvalidArgumentError} a box has no size, an option is out of range.   @throws {DataFormatError} a picture cannot be decoded.
 * @example for await (const { image, landmarks } of cropFaces(faces, { imageSize: 112 })) { … }
 */
export async function* cropFaces(
  faces: FaceDataset | Iterable<Face>,
  options: CropFacesOptions,
): AsyncGenerator<FaceCrop> {
  const { seed, ...rest } = options;
  for await (const { id, image, box, landmarks, visible } of faces) {
    const random = seed === undefined ? undefined : createRandom(seed).fork("margins", id);
    const crop = cropImage(image, box, { ...rest, random });
    yield { id, ...crop, landmarks: applyAffine(crop.sourceToCentered, landmarks), ...(visible && { visible }) };
  }
}
