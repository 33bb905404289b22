import {
  type Affine,
  type AugmentationDraw,
  applyAffine,
  composeAffine,
  type LandmarkScheme,
  type RgbImage,
} from "@acr/core";
import type { Batch } from "../batch.js";
import { sampleCentered } from "./sample-centered.js";

/** One face on its way into a batch; coordinates are those of `image`. */
export interface BatchInput {
  id: string;
  index: number;
  image: RgbImage;
  /** `centered` frame of the crop, before augmentation. */
  landmarks: ArrayLike<number>;
  visible?: ArrayLike<number>;
  /** Pixels of `image` to the `centered` frame of the crop. */
  imageToCentered: Affine;
  /** Pixels of the source to the same frame. */
  sourceToCentered: Affine;
}

/** Fills the buffers of one batch, face by face. */
export class BatchBuilder {
  private readonly batch: Batch;

  constructor(
    private readonly scheme: LandmarkScheme,
    size: number,
    private readonly imageSize: number,
  ) {
    const { landmarkCount } = scheme;
    this.batch = {
      size,
      imageSize,
      images: new Uint8Array(size * imageSize * imageSize * 3),
      landmarks: new Float32Array(size * landmarkCount * 2),
      visible: new Uint8Array(size * landmarkCount).fill(1),
      ids: [],
      indices: [],
      sourceToCentered: [],
      mirrored: new Uint8Array(size),
    };
  }

  /** Resamples once, through crop and augmentation together. */
  add(input: BatchInput, { geometry, mirrored, photometric }: AugmentationDraw = {}): void {
    const { batch, imageSize } = this;
    const { landmarkCount, mirror } = this.scheme;
    const place = batch.ids.length;
    const then = (map: Affine) => (geometry ? composeAffine(map, geometry) : map);
    const crop = sampleCentered(input.image, then(input.imageToCentered), imageSize);
    photometric?.(crop);
    batch.images.set(crop.data, place * imageSize * imageSize * 3);
    const moved = geometry ? applyAffine(geometry, input.landmarks) : input.landmarks;
    for (let k = 0; k < landmarkCount; k++) {
      const from = mirrored ? mirror[k]! : k;
      const at = place * landmarkCount + k;
      batch.landmarks[2 * at] = moved[2 * from]!;
      batch.landmarks[2 * at + 1] = moved[2 * from + 1]!;
      if (input.visible) batch.visible[at] = input.visible[from] ? 1 : 0;
    }
    batch.ids.push(input.id);
    batch.indices.push(input.index);
    batch.sourceToCentered.push(then(input.sourceToCentered));
    batch.mirrored[place] = mirrored ? 1 : 0;
  }

  done(): Batch {
    return this.batch;
  }
}
