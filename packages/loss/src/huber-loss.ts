import { abs, lessEqual, mul, sign, square, sub, type Tensor, where } from "@tensorflow/tfjs-core";
import { checkPositive, elementwiseLoss, type LossOptions } from "./internal/elementwise-loss.js";

export interface HuberLossOptions extends LossOptions {
  /** Where the square ends, in the frame of the inputs, > 0. Default 1. */
  delta?: number;
}

/**
 * Huber's loss (1964): a square near zero, linear with slope δ beyond.
 *
 *   l(e) = e² / 2              when |e| <= δ
 *   l(e) = δ · (|e| − δ / 2)   otherwise
 *
 * @param predictions - `[B, K, 2]` or `[B, 2K]` float32.   @param targets - same shape and frame.
 * @returns scalar, or `[B, K, 2]` when reduction is `"none"`. Owned by the caller.
 * @throws {ShapeError} shapes differ, or the last axis is not 2.   @throws {InvalidArgumentError} delta <= 0 or an unknown option.
 * @example const loss = huberLoss(predictions, targets, { delta: 2 });
 */
export function huberLoss(predictions: Tensor, targets: Tensor, options: HuberLossOptions = {}): Tensor {
  const { delta = 1 } = options;
  checkPositive("huberLoss", "delta", delta);
  return elementwiseLoss("huberLoss", predictions, targets, options, ["delta"], (e) => {
    const d = abs(e);
    const isSmall = lessEqual(d, delta);
    return {
      value: where(isSmall, mul(square(e), 0.5), mul(sub(d, delta / 2), delta)),
      slope: where(isSmall, e, mul(sign(e), delta)),
    };
  });
}
