import { type LandmarkScheme, ShapeError } from "@acr/core";
import { add, div, gather, mul, reverse, type Tensor, tensor4d, tidy } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";

/** Options of `predictCentered`. */
export interface PredictCenteredOptions {
  /** Side of the crops in pixels. */
  imageSize: number;
  /** Numbering of the model's landmarks. */
  scheme: LandmarkScheme;
  /** Predict the mirrored crops too, mirror those landmarks back, and average. Default false. */
  flipTest?: boolean;
}

/**
 * Landmarks of some crops.
 *
 * Flip test: pixel column i goes to N − 1 − i, so centered x becomes −x exactly, and landmark k is the mirrored
 * prediction of its partner: pₖ = (f(I)ₖ + (−x, y) of f(mirror I) at mirror[k]) / 2.
 *
 * @param model - input `[B, H, W, 3]` (0–255), first output `[B, K, 2]` in the `centered` frame.
 * @param images - B crops, row-major `[B, H, W, 3]`, 0–255.
 * @returns B · 2K numbers in the `centered` frame.
 * @throws {ShapeError} images does not hold whole crops, or the model has another number of landmarks.
 * @example const flat = predictCentered(run.fused, crop.image.data, { imageSize: 112, scheme: run.scheme });
 */
export function predictCentered(
  model: LayersModel,
  images: ArrayLike<number>,
  { imageSize, scheme, flipTest = false }: PredictCenteredOptions,
): Float32Array {
  const batch = images.length / (3 * imageSize * imageSize);
  if (!Number.isInteger(batch) || batch === 0)
    throw new ShapeError(
      `predictCentered: images must hold whole crops of ${imageSize} x ${imageSize} x 3; got ${images.length} numbers.`,
    );
  return tidy(() => {
    const x = tensor4d(Float32Array.from(images), [batch, imageSize, imageSize, 3]);
    const run = (input: Tensor) => {
      const output = model.apply(input, { training: false });
      return (Array.isArray(output) ? output[0] : output) as Tensor;
    };
    const plain = run(x);
    if (plain.shape[1] !== scheme.landmarkCount)
      throw new ShapeError(
        `predictCentered: ${scheme.id} has ${scheme.landmarkCount} landmarks; the model predicts ${plain.shape[1]}.`,
      );
    if (!flipTest) return plain.dataSync() as Float32Array;
    const mirrored = mul(gather(run(reverse(x, 2)), [...scheme.mirror], 1), [-1, 1]);
    return div(add(plain, mirrored), 2).dataSync() as Float32Array;
  });
}
