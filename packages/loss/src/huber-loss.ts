import { abs, fill, lessEqual, mul, square, sub, type Tensor, where, zerosLike } from "@tensorflow/tfjs-core";
import { checkLossOptions, checkPositive } from "./internal/check.js";
import { evaluateLoss, type LossOptions } from "./internal/evaluate-loss.js";
import type { LossRule } from "./internal/loss-rule.js";
import { pointwisePass } from "./internal/pointwise-pass.js";
import { signOf } from "./internal/sign-of.js";

export interface HuberLossOptions extends LossOptions {
  /** Where the square ends, in the frame of the inputs, > 0. Default 1. */
  delta?: number;
}

/** The rule of `huberLoss`. */
export function huberRule(options: HuberLossOptions = {}): LossRule {
  checkLossOptions("huberLoss", options, ["delta"]);
  const { delta = 1 } = options;
  checkPositive("huberLoss", "delta", delta);
  return {
    functionName: "huberLoss",
    needsDifficulty: false,
    value: (e) => (Math.abs(e) <= delta ? (e * e) / 2 : delta * (Math.abs(e) - delta / 2)),
    slope: (e) => (Math.abs(e) <= delta ? e : delta * Math.sign(e)),
    curvature: (e) => (Math.abs(e) <= delta ? 1 : 0),
    graph: (e) => {
      const d = abs(e);
      const isSmall = lessEqual(d, delta);
      return {
        value: where(isSmall, mul(square(e), 0.5), mul(sub(d, delta / 2), delta)),
        slope: where(isSmall, e, mul(signOf(e), delta)),
      };
    },
    graphCurvature: (e) => where(lessEqual(abs(e), delta), fill(e.shape, 1), zerosLike(e)),
    hostPass: pointwisePass,
  };
}

/**
 * Huber's loss (1964): a square near zero, linear with slope δ beyond.
 *
 *   l(e) = e² / 2              when |e| <= δ
 *   l(e) = δ · (|e| − δ / 2)   otherwise
 *
 * @param predictions - `[B, K, 2]` or `[B, 2K]` float32, (x, y).   @param targets - same shape and frame, no gradient.
 * @param options.reduction - `"mean"` divides by B · K · 2. Default `"mean"`.   @param options.weights - see `LossOptions`.
 * @returns scalar, or `[B, K, 2]` when reduction is `"none"`. Owned by the caller.
 * @throws {ShapeError} shapes differ, or the last axis is not 2.   @throws {InvalidArgumentError} delta <= 0 or an unknown option.
 * @example const loss = huberLoss(predictions, targets, { delta: 2 });
 */
export function huberLoss(predictions: Tensor, targets: Tensor, options: HuberLossOptions = {}): Tensor {
  return evaluateLoss(huberRule(options), predictions, targets, options);
}
