import { fill, mul, square, type Tensor } from "@tensorflow/tfjs-core";
import { checkLossOptions } from "./internal/check.js";
import { evaluateLoss, type LossOptions } from "./internal/evaluate-loss.js";
import type { LossRule } from "./internal/loss-rule.js";

/** The rule of `l2Loss`. */
export function l2Rule(options: LossOptions = {}): LossRule {
  checkLossOptions("l2Loss", options, []);
  return {
    functionName: "l2Loss",
    needsDifficulty: false,
    value: (e) => e * e,
    slope: (e) => 2 * e,
    curvature: () => 2,
    graph: (e) => ({ value: square(e), slope: mul(e, 2) }),
    graphCurvature: (e) => fill(e.shape, 2),
  };
}

/**
 * Squared error, without a half: l(e) = e².
 *
 * Units: any frame; the value scales with its square.
 * Edges: K = 0 throws; NaN in, NaN out; e² overflows float32 to Infinity where |e| > 1.8e19.
 *
 * @param predictions - `[B, K, 2]` or `[B, 2K]` float32, (x, y).   @param targets - same shape and frame, no gradient.
 * @param options.reduction - `"mean"` divides by B · K · 2. Default `"mean"`.   @param options.weights - see `LossOptions`.
 * @returns scalar, or `[B, K, 2]` when reduction is `"none"`. Owned by the caller.
 * @throws {ShapeError} shapes differ, or the last axis is not 2.   @throws {InvalidArgumentError} an option or a dtype is wrong.
 * @example const loss = l2Loss(predictions, targets);
 */
export function l2Loss(predictions: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
  return evaluateLoss(l2Rule(options), predictions, targets, options);
}
