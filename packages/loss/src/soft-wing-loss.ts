import { abs, add, div, less, mul, sign, type Tensor, where } from "@tensorflow/tfjs-core";
import { accurateLog1p } from "./internal/accurate-log1p.js";
import { checkPositive, elementwiseLoss, type LossOptions } from "./internal/elementwise-loss.js";

export interface SoftWingLossOptions extends LossOptions {
  /** Where the linear part ends, in the frame of the inputs, > 0. Default 2 (pixels of a 256-pixel crop). */
  omega1?: number;
  /** Height of the logarithm, > 0. Default 20. */
  omega2?: number;
  /** Curvature of the logarithm, same frame, > 0. Default 0.5. */
  epsilon?: number;
}

/**
 * Soft Wing loss: linear for small errors, logarithmic beyond, so that outliers count less.
 *
 *   l(e) = |e|                          when |e| < ω1
 *   l(e) = ω2 · ln(1 + |e| / ε) + b     otherwise,  b = ω1 − ω2 · ln(1 + ω1 / ε)
 *
 * Units: ω1 and ε share the frame of the inputs. The gradient at e = 0 is 0; NaN in, NaN out.
 *
 * @param predictions - `[B, K, 2]` or `[B, 2K]` float32.   @param targets - same shape and frame.
 * @returns scalar, or `[B, K, 2]` when reduction is `"none"`. Owned by the caller.
 * @throws {ShapeError} shapes differ, or the last axis is not 2.   @throws {InvalidArgumentError} an option is <= 0 or unknown.
 * @see Lin et al., Structure-Coherent Deep Feature Learning for Robust Face Alignment, IEEE TIP 2021. Deviations: none.
 * @example const loss = softWingLoss(predictions, targets, { omega1: 2, omega2: 20, epsilon: 0.5 });
 */
export function softWingLoss(predictions: Tensor, targets: Tensor, options: SoftWingLossOptions = {}): Tensor {
  const { omega1 = 2, omega2 = 20, epsilon = 0.5 } = options;
  checkPositive("softWingLoss", "omega1", omega1);
  checkPositive("softWingLoss", "omega2", omega2);
  checkPositive("softWingLoss", "epsilon", epsilon);
  const b = omega1 - omega2 * Math.log1p(omega1 / epsilon);
  return elementwiseLoss("softWingLoss", predictions, targets, options, ["omega1", "omega2", "epsilon"], (e) => {
    const d = abs(e);
    const isSmall = less(d, omega1);
    const direction = sign(e);
    return {
      value: where(isSmall, d, add(mul(accurateLog1p(div(d, epsilon)), omega2), b)),
      slope: where(isSmall, direction, div(mul(direction, omega2), add(d, epsilon))),
    };
  });
}
