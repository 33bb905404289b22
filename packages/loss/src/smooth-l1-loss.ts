import { abs, div, fill, less, mul, square, sub, type Tensor, where, zerosLike } from "@tensorflow/tfjs-core";
import { checkLossOptions, checkPositive } from "./internal/check.js";
import { evaluateLoss, type LossOptions } from "./internal/evaluate-loss.js";
import type { LossRule } from "./internal/loss-rule.js";
import { pointwisePass } from "./internal/pointwise-pass.js";
import { signOf } from "./internal/sign-of.js";

export interface SmoothL1LossOptions extends LossOptions {
  /** Where the square ends, in the frame of the inputs, > 0. Default 1. */
  beta?: number;
}

/** The rule of `smoothL1Loss`. */
export function smoothL1Rule(options: SmoothL1LossOptions = {}): LossRule {
  checkLossOptions("smoothL1Loss", options, ["beta"]);
  const { beta = 1 } = options;
  checkPositive("smoothL1Loss", "beta", beta);
  return {
    functionName: "smoothL1Loss",
    needsDifficulty: false,
    value: (e) => (Math.abs(e) < beta ? (e * e) / (2 * beta) : Math.abs(e) - beta / 2),
    slope: (e) => (Math.abs(e) < beta ? e / beta : Math.sign(e)),
    curvature: (e) => (Math.abs(e) < beta ? 1 / beta : 0),
    graph: (e) => {
      const d = abs(e);
      const isSmall = less(d, beta);
      return {
        value: where(isSmall, mul(square(e), 0.5 / beta), sub(d, beta / 2)),
        slope: where(isSmall, div(e, beta), signOf(e)),
      };
    },
    graphCurvature: (e) => where(less(abs(e), beta), fill(e.shape, 1 / beta), zerosLike(e)),
    hostPass: pointwisePass,
  };
}

/**
 * Smooth L1 (Girshick 2015, arXiv:1504.08083, with PyTorch's β): a square near zero, |e| beyond.
 *
 *   l(e) = e² / (2β)      when |e| < β
 *   l(e) = |e| − β / 2    otherwise
 *
 * @param predictions - `[B, K, 2]` or `[B, 2K]` float32, (x, y).   @param targets - same shape and frame, no gradient.
 * @param options.reduction - `"mean"` divides by B · K · 2. Default `"mean"`.   @param options.weights - see `LossOptions`.
 * @returns scalar, or `[B, K, 2]` when reduction is `"none"`. Owned by the caller.
 * @throws {ShapeError} shapes differ, or the last axis is not 2.   @throws {InvalidArgumentError} beta <= 0 or an unknown option.
 * @example const loss = smoothL1Loss(predictions, targets, { beta: 0.1 });
 */
export function smoothL1Loss(predictions: Tensor, targets: Tensor, options: SmoothL1LossOptions = {}): Tensor {
  return evaluateLoss(smoothL1Rule(options), predictions, targets, options);
}
