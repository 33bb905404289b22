import { ShapeError } from "@acr/core";
import { add, div, gather, mul, reverse, type Tensor, tensor4d, tidy } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";

import type { PredictCenteredOptions } from "../predict-centered.js";

/** The prediction of `predictCentered` as a tensor, `[B, K, 2]`, that the caller owns. */
export function centeredPrediction(
  model: LayersModel,
  images: ArrayLike<number>,
  { imageSize, scheme, flipTest = false }: PredictCenteredOptions,
  caller: string,
): Tensor {
  const batch = images.length / (3 * imageSize * imageSize);
  if (!Number.isInteger(batch) || batch === 0)
    throw new ShapeError(
      `${caller}: images must hold whole crops of ${imageSize} x ${imageSize} x 3; got ${images.length} numbers.`,
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
        `${caller}: ${scheme.id} has ${scheme.landmarkCount} landmarks; the model predicts ${plain.shape[1]}.`,
      );
    if (!flipTest) return plain;
    const mirrored = mul(gather(run(reverse(x, 2)), [...scheme.mirror], 1), [-1, 1]);
    return div(add(plain, mirrored), 2);
  });
}
