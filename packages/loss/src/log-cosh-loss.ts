import {
  abs,
  add,
  div,
  exp,
  expm1,
  less,
  log1p,
  mul,
  neg,
  sign,
  square,
  sub,
  type Tensor,
  where,
} from "@tensorflow/tfjs-core";
import { checkLossOptions } from "./internal/check.js";
import { evaluateLoss, type LossOptions } from "./internal/evaluate-loss.js";
import type { LossRule } from "./internal/loss-rule.js";
import { pointwisePass } from "./internal/pointwise-pass.js";

/** Below this, ln cosh is taken from its series: the closed form subtracts two nearly equal numbers there. */
const SERIES_BELOW = 0.1;

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
      const minusTwice = mul(d, -2);
      const decay = exp(minusTwice);
      const squared = square(e);
      // ln cosh d = d²/2 − d⁴/12 + d⁶/45 − …
      const series = mul(squared, add(0.5, mul(squared, sub(mul(squared, 1 / 45), 1 / 12))));
      return {
        value: where(less(d, SERIES_BELOW), series, sub(add(d, log1p(decay)), Math.LN2)),
        slope: mul(sign(e), div(neg(expm1(minusTwice)), add(decay, 1))),
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
