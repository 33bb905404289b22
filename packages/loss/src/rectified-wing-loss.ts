import { InvalidArgumentError } from "@acr/core";
import {
  abs,
  add,
  div,
  greaterEqual,
  less,
  logicalAnd,
  maximum,
  mul,
  neg,
  square,
  sub,
  type Tensor,
  where,
  zerosLike,
} from "@tensorflow/tfjs-core";
import { accurateLog1p } from "./internal/accurate-log1p.js";
import { checkLossOptions, checkPositive } from "./internal/check.js";
import { evaluateLoss, type LossOptions } from "./internal/evaluate-loss.js";
import type { LossRule } from "./internal/loss-rule.js";
import { pointwisePass } from "./internal/pointwise-pass.js";
import { signOf } from "./internal/sign-of.js";

export interface RectifiedWingLossOptions extends LossOptions {
  /** Where the linear part starts, in the frame of the inputs, > rectify. Default 10 (pixels of a 256-pixel crop). */
  width?: number;
  /** Curvature of the logarithm, same frame, > 0. Default 2. */
  curvature?: number;
  /** Errors below this cost nothing, same frame, >= 0. Default 0.5. */
  rectify?: number;
}

/** The rule of `rectifiedWingLoss`. */
export function rectifiedWingRule(options: RectifiedWingLossOptions = {}): LossRule {
  checkLossOptions("rectifiedWingLoss", options, ["width", "curvature", "rectify"]);
  const { width = 10, curvature = 2, rectify = 0.5 } = options;
  checkPositive("rectifiedWingLoss", "width", width);
  checkPositive("rectifiedWingLoss", "curvature", curvature);
  if (typeof rectify !== "number" || !(rectify >= 0 && rectify < width)) {
    throw new InvalidArgumentError(
      `rectifiedWingLoss: rectify must be in [0, width = ${width}); got ${String(rectify)}.`,
    );
  }
  const c = width - width * Math.log1p((width - rectify) / curvature);
  const isMiddle = (d: number) => d >= rectify && d < width;
  return {
    functionName: "rectifiedWingLoss",
    needsDifficulty: false,
    value: (e) => {
      const d = Math.abs(e);
      return d < rectify ? 0 : d < width ? width * Math.log1p((d - rectify) / curvature) : d - c;
    },
    slope: (e) => {
      const d = Math.abs(e);
      return d < rectify ? 0 : Math.sign(e) * (d < width ? width / (curvature + d - rectify) : 1);
    },
    curvature: (e) => (e !== 0 && isMiddle(Math.abs(e)) ? -width / (curvature + Math.abs(e) - rectify) ** 2 : 0),
    graph: (e) => {
      const d = abs(e);
      const direction = signOf(e);
      const isRectified = less(d, rectify);
      const isSmall = less(d, width);
      const beyond = maximum(sub(d, rectify), 0);
      const nothing = zerosLike(d);
      return {
        value: where(
          isRectified,
          nothing,
          where(isSmall, mul(accurateLog1p(div(beyond, curvature)), width), sub(d, c)),
        ),
        slope: where(
          isRectified,
          nothing,
          where(isSmall, div(mul(direction, width), add(beyond, curvature)), direction),
        ),
      };
    },
    graphCurvature: (e) => {
      const d = abs(e);
      const beyond = maximum(sub(d, rectify), 0);
      const middle = neg(div(mul(abs(signOf(e)), width), square(add(beyond, curvature))));
      return where(logicalAnd(greaterEqual(d, rectify), less(d, width)), middle, zerosLike(e));
    },
    hostPass: pointwisePass,
  };
}

/**
 * Rectified Wing loss: nothing below the labels' own noise, then Wing.
 *
 *   l(e) = 0                                           when |e| < rectify
 *   l(e) = width · ln(1 + (|e| − rectify) / curvature) when rectify <= |e| < width
 *   l(e) = |e| − c                                     otherwise,  c = width − width · ln(1 + (width − rectify) / curvature)
 *
 * Units: all options share the frame of the inputs. The gradient at e = 0 is 0; NaN in, NaN out.
 *
 * @param predictions - `[B, K, 2]` or `[B, 2K]` float32, (x, y).   @param targets - same shape and frame, no gradient.
 * @param options.reduction - `"mean"` divides by B · K · 2. Default `"mean"`.   @param options.weights - see `LossOptions`.
 * @returns scalar, or `[B, K, 2]` when reduction is `"none"`. Owned by the caller.
 * @throws {ShapeError} shapes differ, or the last axis is not 2.   @throws {InvalidArgumentError} rectify >= width, an option out of range or unknown.
 * @see Feng et al., Rectified Wing Loss, IJCV 2020, arXiv:1911.06995. Deviations: none.
 * @example const loss = rectifiedWingLoss(predictions, targets, { rectify: 0.5 });
 */
export function rectifiedWingLoss(
  predictions: Tensor,
  targets: Tensor,
  options: RectifiedWingLossOptions = {},
): Tensor {
  return evaluateLoss(rectifiedWingRule(options), predictions, targets, options);
}
