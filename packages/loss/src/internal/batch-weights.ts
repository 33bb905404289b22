import { ShapeError } from "@acr/core";
import { mul, reshape, type Tensor } from "@tensorflow/tfjs-core";

/** K of `[B, K, 2]` or `[B, 2K]`; anything else is left to the loss itself to refuse. */
export function landmarkCountOf(predictions: Tensor): number {
  const { shape } = predictions;
  return shape.length === 2 ? shape[1]! / 2 : shape[1]!;
}

/** Weights on three axes that broadcast to `[B, K, 2]`. */
export function threeAxes(functionName: string, name: string, given: Tensor, count: number): Tensor {
  const { shape } = given;
  const [b, k] = shape as [number, number];
  if (shape.length === 3) return given;
  if (shape.length === 2 && k === count * 2) return reshape(given, [b, count, 2]);
  if (shape.length === 2) return reshape(given, [b, k, 1]);
  throw new ShapeError(
    `${functionName}: ${name} must be [B, ${count}] or [B, ${count}, 1 or 2]; got [${shape.join(", ")}].`,
  );
}

/** Weights of a composition times those of the batch, if any. */
export function timesBatchWeights(
  functionName: string,
  own: Tensor,
  weights: Tensor | undefined,
  count: number,
): Tensor {
  return weights ? mul(own, threeAxes(functionName, "weights", weights, count)) : own;
}
