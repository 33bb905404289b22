import { abs, type Tensor, zerosLike } from "@tensorflow/tfjs-core";
import { checkLossOptions } from "./internal/check.js";
import { evaluateLoss, type LossOptions } from "./internal/evaluate-loss.js";
import type { LossRule } from "./internal/loss-rule.js";
import { pointwisePass } from "./internal/pointwise-pass.js";
import { signOf } from "./internal/sign-of.js";

/** The rule of `l1Loss`. */
export function l1Rule(options: LossOptions = {}): LossRule {
  checkLossOptions("l1Loss", options, []);
  return {
    functionName: "l1Loss",
    needsDifficulty: false,
    value: (e) => Math.abs(e),
    slope: (e) => Math.sign(e),
    curvature: () => 0,
    graph: (e) => ({ value: abs(e), slope: signOf(e) }),
    graphCurvature: (e) => zerosLike(e),
    hostPass: pointwisePass,
  };
}

/**
 * Absolute error: l(e) = |e|. The gradient at e = 0 is 0.
 *
 * Units: any frame; the value scales with it.
 * Edges: K = 0 throws; NaN in, NaN out; the second derivative is 0 everywhere.
 *
 * @param predictions - `[B, K, 2]` or `[B, 2K]` float32, (x, y).   @param targets - same shape and frame, no gradient.
 * @param options.reduction - `"mean"` divides by B · K · 2. Default `"mean"`.   @param options.weights - see `LossOptions`.
 * @returns scalar, or `[B, K, 2]` when reduction is `"none"`. Owned by the caller.
 * @throws {ShapeError} shapes differ, or the last axis is not 2.   @throws {InvalidArgumentError} an option or a dtype is wrong.
 * @example const loss = l1Loss(predictions, targets);
 */
export function l1Loss(predictions: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
  return evaluateLoss(l1Rule(options), predictions, targets, options);
}
