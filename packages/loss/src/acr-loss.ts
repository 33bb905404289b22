import { InvalidArgumentError } from "@acr/core";
import {
  abs,
  add,
  clipByValue,
  div,
  lessEqual,
  mul,
  pow,
  sign,
  square,
  sub,
  type Tensor,
  where,
} from "@tensorflow/tfjs-core";
import { accurateLog1p } from "./internal/accurate-log1p.js";
import { alignToError, checkPositive, elementwiseLoss, type LossOptions } from "./internal/elementwise-loss.js";

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
 * Edges: the gradient at zero error is 0 for every Φ; finite for every finite input; with `"reference"` the value jumps
 * at Δ = 1 unless λ = Φ; the slope is continuous there only where λ (2 − Φ) = 4. NaN in, NaN out.
 *
 * @param predictions - `[B, K, 2]` or `[B, 2K]` float32.   @param targets - same shape and frame.
 * @returns scalar, or `[B, K, 2]` when reduction is `"none"`. Owned by the caller. No gradient flows to Φ.
 * @throws {ShapeError} shapes differ.   @throws {InvalidArgumentError} no difficulty, lambda or scale <= 0, an unknown option.
 * @see Fard and Mahoor, arXiv:2203.15835, Eqs. 5 to 8. Deviations: `scale`, and C, which the paper leaves open.
 * @example const loss = acrLoss(predictions, targets, { difficulty, lambda: 5, scale: 10 });
 */
export function acrLoss(predictions: Tensor, targets: Tensor, options: AcrLossOptions = {}): Tensor {
  const { difficulty, lambda = 5, joint = "continuous", scale = 1 } = options;
  checkPositive("acrLoss", "lambda", lambda);
  checkPositive("acrLoss", "scale", scale);
  if (joint !== "continuous" && joint !== "reference") {
    throw new InvalidArgumentError(`acrLoss: joint must be "continuous" or "reference"; got ${JSON.stringify(joint)}.`);
  }
  if (!difficulty) {
    throw new InvalidArgumentError(
      "acrLoss: difficulty is required; got none. Compute it with difficultyTensor of @acr/shape-model.",
    );
  }
  return elementwiseLoss(
    "acrLoss",
    predictions,
    targets,
    options,
    ["difficulty", "lambda", "joint", "scale"],
    (e, shape) => {
      const phi = clipByValue(alignToError("acrLoss", "difficulty", difficulty, shape), 0, 1);
      const delta = scale === 1 ? abs(e) : mul(abs(e), scale);
      const isSmall = lessEqual(delta, 1);
      // Δ^(1 − Φ) is 1 at Δ = 0 and Φ = 1; the sign of the error, 0 there, makes the slope 0.
      const power = pow(delta, sub(1, phi));
      const full = mul(power, delta);
      const offset = joint === "continuous" ? lambda * Math.LN2 - 1 : sub(mul(phi, Math.LN2), 1);
      const slope = where(isSmall, div(mul(mul(power, sub(2, phi)), lambda), add(full, 1)), mul(delta, 2));
      return {
        value: where(isSmall, mul(accurateLog1p(full), lambda), add(square(delta), offset)),
        slope: mul(slope, scale === 1 ? sign(e) : mul(sign(e), scale)),
      };
    },
  );
}
