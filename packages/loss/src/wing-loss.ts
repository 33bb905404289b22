import { abs, add, div, less, mul, sign, sub, type Tensor, where } from "@tensorflow/tfjs-core";
import { accurateLog1p } from "./internal/accurate-log1p.js";
import { checkPositive, elementwiseLoss, type LossOptions } from "./internal/elementwise-loss.js";

export interface WingLossOptions extends LossOptions {
  /** Switch point, in the frame of the inputs, > 0. Default 10, tuned for pixels of a 256-pixel crop. */
  width?: number;
  /** Curvature of the logarithm, same frame, > 0. Default 2. */
  curvature?: number;
}

/**
 * Wing loss: logarithmic near zero, linear beyond `width`, so mid-size errors keep a useful gradient.
 *
 *   l(e) = width · ln(1 + |e| / curvature)   when |e| < width
 *   l(e) = |e| − c                           otherwise,  c = width − width · ln(1 + width / curvature)
 *
 * Units: `width` and `curvature` share the frame of the inputs. The gradient at e = 0 is 0; NaN in, NaN out.
 *
 * @param predictions - `[B, K, 2]` or `[B, 2K]` float32.   @param targets - same shape and frame.
 * @returns scalar, or `[B, K, 2]` when reduction is `"none"`. Owned by the caller.
 * @throws {ShapeError} shapes differ, or the last axis is not 2.   @throws {InvalidArgumentError} width or curvature <= 0, or an unknown option.
 * @see Feng et al., CVPR 2018, Eq. 5, arXiv:1711.06753. Deviations: none.
 * @example const loss = wingLoss(predictions, targets, { width: 10, curvature: 2 });
 */
export function wingLoss(predictions: Tensor, targets: Tensor, options: WingLossOptions = {}): Tensor {
  const { width = 10, curvature = 2 } = options;
  checkPositive("wingLoss", "width", width);
  checkPositive("wingLoss", "curvature", curvature);
  const c = width - width * Math.log1p(width / curvature);
  return elementwiseLoss("wingLoss", predictions, targets, options, ["width", "curvature"], (e) => {
    const d = abs(e);
    const isSmall = less(d, width);
    const direction = sign(e);
    return {
      value: where(isSmall, mul(accurateLog1p(div(d, curvature)), width), sub(d, c)),
      slope: where(isSmall, div(mul(direction, width), add(d, curvature)), direction),
    };
  });
}
