import { abs, sign, type Tensor } from "@tensorflow/tfjs-core";
import { elementwiseLoss, type LossOptions } from "./internal/elementwise-loss.js";

/**
 * Absolute error: l(e) = |e|. The gradient at e = 0 is 0.
 *
 * Units: any frame. NaN in, NaN out.
 *
 * @param predictions - `[B, K, 2]` or `[B, 2K]` float32.   @param targets - same shape and frame.
 * @returns scalar, or `[B, K, 2]` when reduction is `"none"`. Owned by the caller.
 * @throws {ShapeError} shapes differ, or the last axis is not 2.   @throws {InvalidArgumentError} an option is wrong.
 * @example const loss = l1Loss(predictions, targets);
 */
export function l1Loss(predictions: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
  return elementwiseLoss("l1Loss", predictions, targets, options, [], (e) => ({ value: abs(e), slope: sign(e) }));
}
