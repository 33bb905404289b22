import { InvalidArgumentError } from "@acr/core";
import {
  abs,
  add,
  div,
  equal,
  lessEqual,
  maximum,
  minimum,
  mul,
  neg,
  onesLike,
  pow,
  sign,
  square,
  sub,
  type Tensor,
  where,
  zerosLike,
} from "@tensorflow/tfjs-core";
import { accurateLog1p } from "./internal/accurate-log1p.js";
import { checkLossOptions, checkPositive } from "./internal/check.js";
import { evaluateLoss, type LossOptions } from "./internal/evaluate-loss.js";
import { LARGEST_FLOAT32 } from "./internal/largest-float32.js";
import type { LossRule } from "./internal/loss-rule.js";
import { acrSimdPass } from "./wasm/acr-simd-pass.js";

/** About the smallest normal float32: powers of smaller numbers, and of 0, are not the same on all GPUs. */
const SMALLEST_NORMAL = 1.2e-38;

export interface AcrLossOptions extends LossOptions {
  /**
   * Φ in [0, 1], from the shape model: `[B, K, 2]` (a coordinate), `[B, K, 1]` or `[B, K]` (a landmark). Required.
   * Values outside [0, 1], as rounding leaves them, are clamped.
   */
  difficulty?: Tensor;
  /** λ, height of the logarithm, > 0. Default 5. */
  lambda?: number;
  /** Where the branches meet: `"continuous"` (C = λ ln 2 − 1) or `"reference"` (C = Φ ln 2 − 1). Default `"continuous"`. */
  joint?: "continuous" | "reference";
  /** Multiplies the error, so that |error| = 1 / scale is where the branches meet, > 0. Default 1. */
  scale?: number;
}

/** The rule of `acrLoss`. */
export function acrRule(options: AcrLossOptions = {}): LossRule {
  checkLossOptions("acrLoss", options, ["difficulty", "lambda", "joint", "scale"]);
  const { lambda = 5, joint = "continuous", scale = 1 } = options;
  checkPositive("acrLoss", "lambda", lambda);
  checkPositive("acrLoss", "scale", scale);
  if (joint !== "continuous" && joint !== "reference") {
    throw new InvalidArgumentError(`acrLoss: joint must be "continuous" or "reference"; got ${JSON.stringify(joint)}.`);
  }
  // C = offsetByPhi · Φ + offset
  const offsetByPhi = joint === "reference" ? Math.LN2 : 0;
  const offset = joint === "reference" ? -1 : lambda * Math.LN2 - 1;
  const toDelta = (e: Tensor) => minimum(mul(abs(e), scale), LARGEST_FLOAT32);
  return {
    functionName: "acrLoss",
    needsDifficulty: true,
    value: (e, phi) => {
      const delta = scale * Math.abs(e);
      return delta <= 1 ? lambda * Math.log1p(delta ** (2 - phi)) : delta * delta + offsetByPhi * phi + offset;
    },
    slope: (e, phi) => {
      if (e === 0) return 0;
      const delta = scale * Math.abs(e);
      const power = delta ** (1 - phi);
      const slope = delta <= 1 ? (lambda * (2 - phi) * power) / (1 + power * delta) : 2 * delta;
      return Math.sign(e) * scale * slope;
    },
    // With q = 2 − Φ: λ q Δ^(q − 2) (q − 1 − Δ^q) / (1 + Δ^q)²
    curvature: (e, phi) => {
      const delta = scale * Math.abs(e);
      if (e === 0 && phi > 0) return 0;
      const full = delta ** (2 - phi);
      const curvature = delta > 1 ? 2 : (lambda * (2 - phi) * delta ** -phi * (1 - phi - full)) / (1 + full) ** 2;
      return scale * scale * curvature;
    },
    graph: (e, phi) => {
      const delta = toDelta(e);
      const isSmall = lessEqual(delta, 1);
      const power = pow(maximum(delta, SMALLEST_NORMAL), sub(1, phi));
      const full = mul(power, delta);
      const slope = where(isSmall, div(mul(mul(power, sub(2, phi)), lambda), add(full, 1)), mul(delta, 2));
      const large = add(square(delta), add(mul(phi, offsetByPhi), offset));
      return {
        value: minimum(where(isSmall, mul(accurateLog1p(full), lambda), large), LARGEST_FLOAT32),
        slope: mul(minimum(mul(slope, scale), LARGEST_FLOAT32), sign(e)),
      };
    },
    graphCurvature: (e, phi) => {
      const delta = toDelta(e);
      const safe = maximum(minimum(delta, 1), SMALLEST_NORMAL);
      const full = pow(safe, sub(2, phi));
      const fraction = div(mul(sub(2, phi), sub(sub(1, phi), full)), square(add(full, 1)));
      const small = mul(mul(pow(safe, neg(phi)), fraction), lambda);
      const isCorner = mul(sub(1, abs(sign(e))), mul(onesLike(e), sign(phi)));
      const inner = where(equal(isCorner, 1), zerosLike(e), small);
      return mul(where(lessEqual(delta, 1), inner, mul(onesLike(e), 2)), scale * scale);
    },
    hostPass: (_, inputs) => acrSimdPass({ lambda, scale, offsetByPhi, offset }, inputs),
  };
}

/**
 * Adaptive coordinate-based regression loss: the curvature of each coordinate follows its difficulty Φ. Easy ones
 * (Φ → 0) are pulled less and less near zero, hard ones (Φ → 1) by about λ to the end.
 *
 *   Δ = scale · |prediction − target|
 *   l = λ · ln(1 + Δ^(2 − Φ))   when Δ <= 1
 *   l = Δ² + C                  otherwise,  C = λ ln 2 − 1 (continuous) or Φ ln 2 − 1 (reference)
 *   dl/dΔ = λ (2 − Φ) Δ^(1 − Φ) / (1 + Δ^(2 − Φ))  or  2Δ
 *
 * Units: the switch at Δ = 1 makes the unit of the inputs part of the loss. In the `centered` frame nearly every Δ is
 * below 0.1 at scale 1, and the loss is about λ · Δ^(2 − Φ).
 * Edges: the gradient at zero error is 0 for every Φ. Finite for every finite input: what exceeds float32 (Δ² above
 * Δ = 1.8e19) saturates at ±3.4e38. With `"reference"` the value jumps at Δ = 1 unless λ = Φ; the slope is continuous there
 * only where λ (2 − Φ) = 4; not convex. NaN in, NaN out; an infinite input gives NaN, on GPU backends a saturated value.
 * Φ is clamped to [0, 1]; more than 0.001 outside throws in tfjs' debug mode (`tf.enableDebugMode()`).
 *
 * @param predictions - `[B, K, 2]` or `[B, 2K]` float32, (x, y).   @param targets - same shape and frame, no gradient.
 * @param options.difficulty - Φ.   @param options.lambda - λ.   @param options.joint - C.   @param options.scale - see Units.
 * @param options.reduction - `"mean"` divides by B · K · 2. Default `"mean"`.   @param options.weights - see `LossOptions`.
 * @returns scalar, or `[B, K, 2]` when reduction is `"none"`. Owned by the caller. No gradient flows to Φ.
 * @throws {ShapeError} shapes differ.   @throws {InvalidArgumentError} no difficulty, lambda or scale <= 0, an
 *   unknown option, a dtype that is not float32.
 * @see Fard and Mahoor, arXiv:2203.15835, Eqs. 5 to 8. Deviations: `scale`, and C, which the paper leaves open.
 * @example const loss = acrLoss(predictions, targets, { difficulty, lambda: 5, scale: 10 });
 */
export function acrLoss(predictions: Tensor, targets: Tensor, options: AcrLossOptions = {}): Tensor {
  return evaluateLoss(acrRule(options), predictions, targets, options);
}
