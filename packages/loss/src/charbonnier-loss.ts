import { abs, add, div, mul, sqrt, square, type Tensor } from "@tensorflow/tfjs-core";
import { checkLossOptions, checkPositive } from "./internal/check.js";
import { evaluateLoss, type LossOptions } from "./internal/evaluate-loss.js";
import type { LossRule } from "./internal/loss-rule.js";
import { pointwisePass } from "./internal/pointwise-pass.js";

export interface CharbonnierLossOptions extends LossOptions {
  /** Width of the rounded tip, in the frame of the inputs, > 0. Default 1e-3. */
  epsilon?: number;
}

/** √(e² + ε²) without the overflow of e²: m · √(1 + (e/m)² …) with m = |e| + ε. */
function hypotenuse(e: Tensor, epsilon: number): Tensor {
  const magnitude = add(abs(e), epsilon);
  return mul(magnitude, sqrt(add(square(div(e, magnitude)), square(div(epsilon, magnitude)))));
}

/** The rule of `charbonnierLoss`. */
export function charbonnierRule(options: CharbonnierLossOptions = {}): LossRule {
  checkLossOptions("charbonnierLoss", options, ["epsilon"]);
  const { epsilon = 1e-3 } = options;
  checkPositive("charbonnierLoss", "epsilon", epsilon);
  // √(e² + ε²) − ε loses its digits where e is much smaller than ε; e · (e / (root + ε)) is the same number and does not.
  return {
    functionName: "charbonnierLoss",
    needsDifficulty: false,
    value: (e) => e * (e / (Math.sqrt(e * e + epsilon * epsilon) + epsilon)),
    slope: (e) => e / Math.sqrt(e * e + epsilon * epsilon),
    curvature: (e) => (epsilon / Math.sqrt(e * e + epsilon * epsilon)) ** 2 / Math.sqrt(e * e + epsilon * epsilon),
    graph: (e) => {
      const root = hypotenuse(e, epsilon);
      return { value: mul(e, div(e, add(root, epsilon))), slope: div(e, root) };
    },
    graphCurvature: (e) => {
      const root = hypotenuse(e, epsilon);
      return div(square(div(epsilon, root)), root);
    },
    hostPass: pointwisePass,
  };
}

/**
 * Charbonnier's loss (1994): |e| with a rounded tip, zero at zero: l(e) = √(e² + ε²) − ε.
 *
 * @param predictions - `[B, K, 2]` or `[B, 2K]` float32, (x, y).   @param targets - same shape and frame, no gradient.
 * @param options.reduction - `"mean"` divides by B · K · 2. Default `"mean"`.   @param options.weights - see `LossOptions`.
 * @returns scalar, or `[B, K, 2]` when reduction is `"none"`. Owned by the caller.
 * @throws {ShapeError} shapes differ, or the last axis is not 2.   @throws {InvalidArgumentError} epsilon <= 0 or an unknown option.
 * @example const loss = charbonnierLoss(predictions, targets, { epsilon: 0.01 });
 */
export function charbonnierLoss(predictions: Tensor, targets: Tensor, options: CharbonnierLossOptions = {}): Tensor {
  return evaluateLoss(charbonnierRule(options), predictions, targets, options);
}
