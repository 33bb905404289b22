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
import { elementwiseLoss, type LossOptions } from "./internal/elementwise-loss.js";

/** Below this, ln cosh is taken from its series: the closed form subtracts two nearly equal numbers there. */
const SERIES_BELOW = 0.1;

/**
 * Logarithm of the hyperbolic cosine: a half square near zero, |e| − ln 2 far out, smooth everywhere:
 * l(e) = ln cosh e.
 *
 * Units: the change of regime is at about 1 in the frame of the inputs. No overflow for any finite error.
 *
 * @param predictions - `[B, K, 2]` or `[B, 2K]` float32.   @param targets - same shape and frame.
 * @returns scalar, or `[B, K, 2]` when reduction is `"none"`. Owned by the caller.
 * @throws {ShapeError} shapes differ, or the last axis is not 2.   @throws {InvalidArgumentError} an option is wrong.
 * @example const loss = logCoshLoss(predictions, targets);
 */
export function logCoshLoss(predictions: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
  return elementwiseLoss("logCoshLoss", predictions, targets, options, [], (e) => {
    const d = abs(e);
    const minusTwice = mul(d, -2);
    const decay = exp(minusTwice);
    const squared = square(e);
    // ln cosh d = d + ln(1 + e^(−2d)) − ln 2 = d²/2 − d⁴/12 + d⁶/45 − …
    const series = mul(squared, add(0.5, mul(squared, sub(mul(squared, 1 / 45), 1 / 12))));
    return {
      value: where(less(d, SERIES_BELOW), series, sub(add(d, log1p(decay)), Math.LN2)),
      slope: mul(sign(e), div(neg(expm1(minusTwice)), add(decay, 1))),
    };
  });
}
