import { checkOptions, InvalidArgumentError, ShapeError } from "@acr/core";
import { CholeskyDecomposition, Matrix } from "ml-matrix";
import type { ModeOptions } from "./mode-options.js";
import type { PointModel } from "./point-model.js";

/** Options of `fillMissing`. */
export interface FillMissingOptions extends ModeOptions {
  /**
   * Variance of what the modes do not explain, in each coordinate, > 0 (squared units of the frame). Default: the
   * variance of the modes left out, spread over the coordinates, and 0.1 % of the mean variance of a coordinate.
   */
  noiseVariance?: number;
}

/** What `fillMissing` gives. */
export interface FilledShape {
  /** Visible points as given, the others at their conditional mean. */
  shape: Float64Array;
  /** The landmarks that were filled. */
  missing: number[];
  /** Covariance of the filled coordinates `[x, y, x, y, …]`, row by row, in the order of `missing`. */
  covariance: Float64Array[];
}

/**
 * Fills unseen landmarks with their conditional mean given the visible ones.
 *
 *   b ~ N(0, Λ),  x = mean + Vᵀ b + ε,  ε ~ N(0, σ² I)
 *   A = V_s V_sᵀ + σ² Λ⁻¹,   E[b | x_s] = A⁻¹ V_s (x_s − mean_s),   Cov[x_u | x_s] = σ² V_uᵀ A⁻¹ V_u + σ² I
 *
 * with s the visible and u the unseen coordinates. With nothing visible the result is the mean.
 *
 * @param shape - flat, in the model's frame; unseen coordinates are not read and may be NaN.
 * @param visible - K flags.
 * @throws {ShapeError} wrong lengths.   @throws {InvalidArgumentError} a visible number is not finite, an option out of range.
 * @see Tipping and Bishop, JRSS B 61(3), 1999 (probabilistic PCA). Deviations: σ² by default as stated above.
 * @example const { shape } = fillMissing(model, labels, visible);
 */
export function fillMissing(
  model: PointModel,
  shape: ArrayLike<number>,
  visible: ArrayLike<number | boolean>,
  options: FillMissingOptions = {},
): FilledShape {
  checkOptions("fillMissing", options, ["modes", "noiseVariance"]);
  const length = model.mean.length;
  if (shape?.length !== length) {
    throw new ShapeError(`fillMissing: shape must have ${length} numbers; got ${shape?.length ?? "none"}.`);
  }
  if (visible?.length !== length / 2) {
    throw new ShapeError(`fillMissing: visible must have ${length / 2} flags; got ${visible?.length ?? "none"}.`);
  }
  const { modes = model.modes.length } = options;
  if (!Number.isInteger(modes) || modes < 0 || modes > model.modes.length) {
    throw new InvalidArgumentError(
      `fillMissing: modes must be an integer from 0 to ${model.modes.length}; got ${modes}.`,
    );
  }
  const used = Array.from(model.eigenvalues.subarray(0, modes)).filter((value) => value > 0);
  const explained = used.reduce((sum, value) => sum + value, 0);
  const { noiseVariance = (model.totalVariance * 1.001 - explained) / length } = options;
  if (!(noiseVariance > 0 && Number.isFinite(noiseVariance))) {
    throw new InvalidArgumentError(`fillMissing: noiseVariance must be > 0; got ${noiseVariance}.`);
  }
  const seen: number[] = [];
  const unseen: number[] = [];
  const missing: number[] = [];
  for (let k = 0; k < length / 2; k++) {
    (visible[k] ? seen : unseen).push(2 * k, 2 * k + 1);
    if (!visible[k]) missing.push(k);
  }
  for (const q of seen) {
    if (!Number.isFinite(shape[q]!)) {
      throw new InvalidArgumentError(`fillMissing: shape[${q}] is visible and must be finite; got ${shape[q]}.`);
    }
  }
  const filled = Float64Array.from(shape);
  for (const q of unseen) filled[q] = model.mean[q]!;
  const noise = (p: number, q: number) => (p === q ? noiseVariance : 0);
  if (missing.length === 0) return { shape: filled, missing, covariance: [] };
  if (used.length === 0) {
    return {
      shape: filled,
      missing,
      covariance: unseen.map((_, p) => Float64Array.from(unseen, (_, q) => noise(p, q))),
    };
  }
  const columns = (coordinates: readonly number[]) =>
    new Matrix(used.map((_, i) => coordinates.map((q) => model.modes[i]![q]!)));
  const hidden = columns(unseen);
  const precision = Matrix.diag(used.map((value) => noiseVariance / value));
  let coefficients = Matrix.zeros(used.length, 1);
  let factor: CholeskyDecomposition | undefined;
  if (seen.length > 0) {
    const shown = columns(seen);
    precision.add(shown.mmul(shown.transpose()));
    const deviations = Matrix.columnVector(seen.map((q) => shape[q]! - model.mean[q]!));
    factor = new CholeskyDecomposition(precision);
    coefficients = factor.solve(shown.mmul(deviations));
  }
  const expected = hidden.transpose().mmul(coefficients);
  for (let i = 0; i < unseen.length; i++) filled[unseen[i]!]! += expected.get(i, 0);
  const spread = hidden.transpose().mmul((factor ?? new CholeskyDecomposition(precision)).solve(hidden));
  const covariance = unseen.map((_, p) =>
    Float64Array.from(unseen, (_, q) => noiseVariance * spread.get(p, q) + noise(p, q)),
  );
  return { shape: filled, missing, covariance };
}
