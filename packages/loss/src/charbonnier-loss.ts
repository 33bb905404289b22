import { add, div, sqrt, square, type Tensor } from "@tensorflow/tfjs-core";
import { checkPositive, elementwiseLoss, type LossOptions } from "./internal/elementwise-loss.js";

export interface CharbonnierLossOptions extends LossOptions {
  /** Width of the rounded tip, in the frame of the inputs, > 0. Default 1e-3. */
  epsilon?: number;
}

/**
 * Charbonnier's loss (1994): |e| with a rounded tip, zero at zero: l(e) = √(e² + ε²) − ε.
 *
 * @param predictions - `[B, K, 2]` or `[B, 2K]` float32.   @param targets - same shape and frame.
 * @returns scalar, or `[B, K, 2]` when reduction is `"none"`. Owned by the caller.
 * @throws {ShapeError} shapes differ, or the last axis is not 2.   @throws {InvalidArgumentError} epsilon <= 0 or an unknown option.
 * @example const loss = charbonnierLoss(predictions, targets, { epsilon: 0.01 });
 */
export function charbonnierLoss(predictions: Tensor, targets: Tensor, options: CharbonnierLossOptions = {}): Tensor {
  const { epsilon = 1e-3 } = options;
  checkPositive("charbonnierLoss", "epsilon", epsilon);
  return elementwiseLoss("charbonnierLoss", predictions, targets, options, ["epsilon"], (e) => {
    const squared = square(e);
    const root = sqrt(add(squared, epsilon * epsilon));
    // √(e² + ε²) − ε loses its digits where e is much smaller than ε; e² / (root + ε) is the same number and does not.
    return { value: div(squared, add(root, epsilon)), slope: div(e, root) };
  });
}
