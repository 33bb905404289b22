import { abs, add, div, less, mul, neg, square, sub, type Tensor, where, zerosLike } from "@tensorflow/tfjs-core";
import { accurateLog1p } from "./internal/accurate-log1p.js";
import { checkLossOptions, checkPositive } from "./internal/check.js";
import { evaluateLoss, type LossOptions } from "./internal/evaluate-loss.js";
import type { LossRule } from "./internal/loss-rule.js";
import { pointwisePass } from "./internal/pointwise-pass.js";
import { signOf } from "./internal/sign-of.js";

export interface WingLossOptions extends LossOptions {
  /** Switch point, in the frame of the inputs, > 0. Default 10, tuned for pixels of a 256-pixel crop. */
  width?: number;
  /** Curvature of the logarithm, same frame, > 0. Default 2. */
  curvature?: number;
}

/** The rule of `wingLoss`. */
export function wingRule(options: WingLossOptions = {}): LossRule {
  checkLossOptions("wingLoss", options, ["width", "curvature"]);
  const { width = 10, curvature = 2 } = options;
  checkPositive("wingLoss", "width", width);
  checkPositive("wingLoss", "curvature", curvature);
  const c = width - width * Math.log1p(width / curvature);
  return {
    functionName: "wingLoss",
    needsDifficulty: false,
    value: (e) => (Math.abs(e) < width ? width * Math.log1p(Math.abs(e) / curvature) : Math.abs(e) - c),
    slope: (e) => Math.sign(e) * (Math.abs(e) < width ? width / (curvature + Math.abs(e)) : 1),
    curvature: (e) => (e !== 0 && Math.abs(e) < width ? -width / (curvature + Math.abs(e)) ** 2 : 0),
    graph: (e) => {
      const d = abs(e);
      const isSmall = less(d, width);
      const direction = signOf(e);
      return {
        value: where(isSmall, mul(accurateLog1p(div(d, curvature)), width), sub(d, c)),
        slope: where(isSmall, div(mul(direction, width), add(d, curvature)), direction),
      };
    },
    graphCurvature: (e) => {
      const d = abs(e);
      const small = neg(div(mul(abs(signOf(e)), width), square(add(d, curvature))));
      return where(less(d, width), small, zerosLike(e));
    },
    hostPass: pointwisePass,
  };
}

/**
 * Wing loss: logarithmic near zero, linear beyond `width`, so mid-size errors keep a useful gradient.
 *
 *   l(e) = width · ln(1 + |e| / curvature)   when |e| < width
 *   l(e) = |e| − c                           otherwise,  c = width − width · ln(1 + width / curvature)
 *
 * Units: `width` and `curvature` share the frame of the inputs. The gradient at e = 0 is 0; NaN in, NaN out.
 *
 * @param predictions - `[B, K, 2]` or `[B, 2K]` float32, (x, y).   @param targets - same shape and frame, no gradient.
 * @param options.reduction - `"mean"` divides by B · K · 2. Default `"mean"`.   @param options.weights - see `LossOptions`.
 * @returns scalar, or `[B, K, 2]` when reduction is `"none"`. Owned by the caller.
 * @throws {ShapeError} shapes differ, or the last axis is not 2.   @throws {InvalidArgumentError} width or curvature <= 0, or an unknown option.
 * @see Feng et al., CVPR 2018, Eq. 5, arXiv:1711.06753. Deviations: none.
 * @example const loss = wingLoss(predictions, targets, { width: 10, curvature: 2 });
 */
export function wingLoss(predictions: Tensor, targets: Tensor, options: WingLossOptions = {}): Tensor {
  return evaluateLoss(wingRule(options), predictions, targets, options);
}
