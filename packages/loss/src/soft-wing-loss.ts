import { abs, add, div, less, mul, neg, square, type Tensor, where, zerosLike } from "@tensorflow/tfjs-core";
import { accurateLog1p } from "./internal/accurate-log1p.js";
import { checkLossOptions, checkPositive } from "./internal/check.js";
import { evaluateLoss, type LossOptions } from "./internal/evaluate-loss.js";
import type { LossRule } from "./internal/loss-rule.js";
import { pointwisePass } from "./internal/pointwise-pass.js";
import { signOf } from "./internal/sign-of.js";

export interface SoftWingLossOptions extends LossOptions {
  /** Where the linear part ends, in the frame of the inputs, > 0. Default 2 (pixels of a 256-pixel crop). */
  omega1?: number;
  /** Height of the logarithm, > 0. Default 20. */
  omega2?: number;
  /** Curvature of the logarithm, same frame, > 0. Default 0.5. */
  epsilon?: number;
}

/** The rule of `softWingLoss`. */
export function softWingRule(options: SoftWingLossOptions = {}): LossRule {
  checkLossOptions("softWingLoss", options, ["omega1", "omega2", "epsilon"]);
  const { omega1 = 2, omega2 = 20, epsilon = 0.5 } = options;
  checkPositive("softWingLoss", "omega1", omega1);
  checkPositive("softWingLoss", "omega2", omega2);
  checkPositive("softWingLoss", "epsilon", epsilon);
  const b = omega1 - omega2 * Math.log1p(omega1 / epsilon);
  return {
    functionName: "softWingLoss",
    needsDifficulty: false,
    value: (e) => (Math.abs(e) < omega1 ? Math.abs(e) : omega2 * Math.log1p(Math.abs(e) / epsilon) + b),
    slope: (e) => Math.sign(e) * (Math.abs(e) < omega1 ? 1 : omega2 / (epsilon + Math.abs(e))),
    curvature: (e) => (Math.abs(e) < omega1 ? 0 : -omega2 / (epsilon + Math.abs(e)) ** 2),
    graph: (e) => {
      const d = abs(e);
      const isSmall = less(d, omega1);
      const direction = signOf(e);
      return {
        value: where(isSmall, d, add(mul(accurateLog1p(div(d, epsilon)), omega2), b)),
        slope: where(isSmall, direction, div(mul(direction, omega2), add(d, epsilon))),
      };
    },
    graphCurvature: (e) => {
      const d = abs(e);
      return where(less(d, omega1), zerosLike(e), neg(div(omega2, square(add(d, epsilon)))));
    },
    hostPass: pointwisePass,
  };
}

/**
 * Soft Wing loss: linear for small errors, logarithmic beyond, so that outliers count less.
 *
 *   l(e) = |e|                          when |e| < ω1
 *   l(e) = ω2 · ln(1 + |e| / ε) + b     otherwise,  b = ω1 − ω2 · ln(1 + ω1 / ε)
 *
 * Units: ω1 and ε share the frame of the inputs. The gradient at e = 0 is 0; NaN in, NaN out.
 *
 * @param predictions - `[B, K, 2]` or `[B, 2K]` float32, (x, y).   @param targets - same shape and frame, no gradient.
 * @param options.reduction - `"mean"` divides by B · K · 2. Default `"mean"`.   @param options.weights - see `LossOptions`.
 * @returns scalar, or `[B, K, 2]` when reduction is `"none"`. Owned by the caller.
 * @throws {ShapeError} shapes differ, or the last axis is not 2.   @throws {InvalidArgumentError} an option is <= 0 or unknown.
 * @see Lin et al., Structure-Coherent Deep Feature Learning for Robust Face Alignment, IEEE TIP 2021. Deviations: none.
 * @example const loss = softWingLoss(predictions, targets, { omega1: 2, omega2: 20, epsilon: 0.5 });
 */
export function softWingLoss(predictions: Tensor, targets: Tensor, options: SoftWingLossOptions = {}): Tensor {
  return evaluateLoss(softWingRule(options), predictions, targets, options);
}
