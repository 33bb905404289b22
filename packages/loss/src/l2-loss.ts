import { mul, square, type Tensor } from "@tensorflow/tfjs-core";
import { elementwiseLoss, type LossOptions } from "./internal/elementwise-loss.js";

/**
 * Squared error, without a half: l(e) = e².
 *
 * Units: any frame; the value scales with its square. NaN in, NaN out.
 *
 * @param predictions - `[B, K, 2]` or `[B, 2K]` float32.   @param targets - same shape and frame.
 * @returns scalar, or `[B, K, 2]` when reduction is `"none"`. Owned by the caller.
 * @throws {ShapeError} shapes differ, or the last axis is not 2.   @throws {InvalidArgumentError} an option is wrong.
 * @example const loss = l2Loss(predictions, targets);
 */
export function l2Loss(predictions: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
  return elementwiseLoss("l2Loss", predictions, targets, options, [], (e) => ({ value: square(e), slope: mul(e, 2) }));
}
