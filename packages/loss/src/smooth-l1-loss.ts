import { abs, div, less, mul, sign, square, sub, type Tensor, where } from "@tensorflow/tfjs-core";
import { checkPositive, elementwiseLoss, type LossOptions } from "./internal/elementwise-loss.js";

export interface SmoothL1LossOptions extends LossOptions {
  /** Where the square ends, in the frame of the inputs, > 0. Default 1. */
  beta?: number;
}

/**
 * Smooth L1 (Girshick 2015, arXiv:1504.08083, with PyTorch's β): a square near zero, |e| beyond.
 *
 *   l(e) = e² / (2β)      when |e| < β
 *   l(e) = |e| − β / 2    otherwise
 *
 * @param predictions - `[B, K, 2]` or `[B, 2K]` float32.   @param targets - same shape and frame.
 * @returns scalar, or `[B, K, 2]` when reduction is `"none"`. Owned by the caller.
 * @throws {ShapeError} shapes differ, or the last axis is not 2.   @throws {InvalidArgumentError} beta <= 0 or an unknown option.
 * @example const loss = smoothL1Loss(predictions, targets, { beta: 0.1 });
 */
export function smoothL1Loss(predictions: Tensor, targets: Tensor, options: SmoothL1LossOptions = {}): Tensor {
  const { beta = 1 } = options;
  checkPositive("smoothL1Loss", "beta", beta);
  return elementwiseLoss("smoothL1Loss", predictions, targets, options, ["beta"], (e) => {
    const d = abs(e);
    const isSmall = less(d, beta);
    return {
      value: where(isSmall, mul(square(e), 0.5 / beta), sub(d, beta / 2)),
      slope: where(isSmall, div(e, beta), sign(e)),
    };
  });
}
