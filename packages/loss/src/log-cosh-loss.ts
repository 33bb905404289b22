import { abs, add, div, exp, less, log1p, mul, sign, square, sub, type Tensor, where } from "@tensorflow/tfjs-core";
import { checkLossOptions } from "./internal/check.js";
import { evaluateLoss, type LossOptions } from "./internal/evaluate-loss.js";
import type { LossRule } from "./internal/loss-rule.js";
import { pointwisePass } from "./internal/pointwise-pass.js";

/**
 * Below this, ln cosh and tanh are taken from their series: the closed forms subtract nearly equal numbers there, which
 * tfjs' own `expm1` does too on `webgl`. What the series leave out is below 3e-7 of the value.
 */
const SERIES_BELOW = 0.3;

/** The rule of `logCoshLoss`. */
export function logCoshRule(options: LossOptions = {}): LossRule {
  checkLossOptions("logCoshLoss", options, []);
  return {
    functionName: "logCoshLoss",
    needsDifficulty: false,
    value: (e) => {
      const d = Math.abs(e);
      // ln cosh d = ln(1 + 2 sinh²(d/2)) keeps every digit near 0; d + ln(1 + e^(−2d)) − ln 2 does not overflow.
      return d < 1 ? Math.log1p(2 * Math.sinh(d / 2) ** 2) : d + Math.log1p(Math.exp(-2 * d)) - Math.LN2;
    },
    slope: (e) => Math.tanh(e),
    curvature: (e) => (1 - Math.tanh(e)) * (1 + Math.tanh(e)),
    graph: (e) => {
      const d = abs(e);
      const isSmall = less(d, SERIES_BELOW);
      const decay = exp(mul(d, -2));
      const squared = square(e);
      const series = (...coefficients: number[]) =>
        coefficients.reduceRight((sum: Tensor | number, c) => add(mul(sum, squared), c), 0) as Tensor;
      // ln cosh d = d²/2 − d⁴/12 + d⁶/45 − 17 d⁸/2520 + …, tanh e its derivative
      const small = mul(squared, series(1 / 2, -1 / 12, 1 / 45, -17 / 2520));
      const smallSlope = mul(e, series(1, -1 / 3, 2 / 15, -17 / 315, 62 / 2835));
      return {
        value: where(isSmall, small, sub(add(d, log1p(decay)), Math.LN2)),
        slope: where(isSmall, smallSlope, mul(sign(e), div(sub(1, decay), add(decay, 1)))),
      };
    },
    // 1 − tanh² = 4 e^(−2d) / (1 + e^(−2d))²
    graphCurvature: (e) => {
      const decay = exp(mul(abs(e), -2));
      return div(mul(decay, 4), square(add(decay, 1)));
    },
    hostPass: pointwisePass,
  };
}

/**
 * Logarithm of the hyperbolic cosine: a half square near zero, |e| − ln 2 far out, smooth everywhere:
 * l(e) = ln cosh e.
 *
 * Units: the change of regime is at about 1 in the frame of the inputs. Edges: no overflow for any finite error; K = 0 throws;
 * NaN in, NaN out.
 *
 * @param predictions - `[B, K, 2]` or `[B, 2K]` float32, (x, y).   @param targets - same shape and frame, no gradient.
 * @param options.reduction - `"mean"` divides by B · K · 2. Default `"mean"`.   @param options.weights - see `LossOptions`.
 * @returns scalar, or `[B, K, 2]` when reduction is `"none"`. Owned by the caller.
 * @throws {ShapeError} shapes differ, or the last axis is not 2.   @throws {InvalidArgumentError} an option is wrong.
 * @example const loss = logCoshLoss(predictions, targets);
 */
export function logCoshLoss(predictions: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
  return evaluateLoss(logCoshRule(options), predictions, targets, options);
}
