import { checkOptions, InvalidArgumentError, ShapeError } from "@acr/core";
import { applySimilarity } from "./apply-similarity.js";
import { checkModel } from "./internal/check-model.js";
import { ConditionalLaw } from "./internal/conditional-law.js";
import { invertSimilarity } from "./invert-similarity.js";
import type { ModeOptions } from "./mode-options.js";
import type { PointModel } from "./point-model.js";
import { type Similarity, similarityBetween } from "./similarity-between.js";

/** Pose and form are found in turn until neither moves a point by more than this share of the mean's size. */
const SETTLED = 1e-10;
const MAX_ROUNDS = 100;

/** Options of `fillMissing`. */
export interface FillMissingOptions extends ModeOptions {
  /**
   * Variance of what the modes do not explain, in each coordinate, > 0 (squared units of the frame). Default: the
   * variance of the modes left out, spread over the coordinates, and 0.1 % of the mean variance of a coordinate.
   */
  noiseVariance?: number;
  /**
   * `"similarity"` looks for the position, rotation and scale of the face from its visible landmarks, at least 2, as for a
   * model fitted with `align: "procrustes"`; `"none"` takes the shape in the model's own frame. Default `"none"`.
   */
  align?: "none" | "similarity";
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
 * with s the visible and u the unseen coordinates. With nothing visible the result is the mean. With `align: "similarity"`
 * pose and coefficients are found in turn, and the pose counts as known in the covariance.
 *
 * @param shape - flat, in the model's frame, or in any with `align: "similarity"`; unseen coordinates are not read and may be NaN.
 * @param visible - K flags.
 * @throws {ShapeError} wrong lengths.   @throws {InvalidArgumentError} a visible number is not finite, an option out
 *   of range, too few visible landmarks to find the pose.
 * @see Tipping and Bishop, JRSS B 61(3), 1999 (probabilistic PCA). Deviations: σ² by default as stated above.
 * @example const { shape } = fillMissing(model, labels, visible);
 */
export function fillMissing(
  model: PointModel,
  shape: ArrayLike<number>,
  visible: ArrayLike<number | boolean>,
  options: FillMissingOptions = {},
): FilledShape {
  checkOptions("fillMissing", options, ["modes", "noiseVariance", "align"]);
  checkModel("fillMissing", model);
  const { align = "none" } = options;
  if (align !== "none" && align !== "similarity")
    throw new InvalidArgumentError(`fillMissing: align must be "none" or "similarity"; got ${JSON.stringify(align)}.`);
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
  const law = new ConditionalLaw(model, { modes: used.length, noiseVariance, seen, unseen });
  if (align === "none") {
    const { filled } = law.fill(shape);
    return { shape: filled, missing, covariance: missing.length === 0 ? [] : law.covariance() };
  }
  const pose = findPose(law, shape, { seen, mean: model.mean });
  const { filled } = law.fill(applySimilarity(invertSimilarity(pose), shape));
  const moved = applySimilarity(pose, filled);
  for (const q of seen) moved[q] = shape[q]!;
  return { shape: moved, missing, covariance: missing.length === 0 ? [] : turned(law.covariance(), pose) };
}

/** The pose that brings what the model makes of the visible landmarks nearest to them. */
function findPose(
  law: ConditionalLaw,
  shape: ArrayLike<number>,
  { seen, mean }: { seen: readonly number[]; mean: Float64Array },
): Similarity {
  if (seen.length < 4)
    throw new InvalidArgumentError(
      `fillMissing: visible must show at least 2 landmarks to find the pose; got ${seen.length / 2}.`,
    );
  const of = (values: ArrayLike<number>) => seen.map((q) => values[q]!);
  const target = of(shape);
  const size = mean.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  let expected = of(mean);
  let pose = similarityBetween(expected, target);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const before = expected;
    expected = of(law.fill(applySimilarity(invertSimilarity(pose), shape)).expected);
    pose = similarityBetween(expected, target);
    if (expected.every((value, i) => Math.abs(value - before[i]!) <= SETTLED * size)) break;
  }
  return pose;
}

/** C ↦ s² R C Rᵀ for pairs of coordinates. */
function turned(covariance: readonly Float64Array[], { scale, rotationRadians }: Similarity): Float64Array[] {
  const still = { scale, rotationRadians, translation: [0, 0] as const };
  const rows = covariance.map((row) => applySimilarity(still, row));
  const columns = rows.map((_, q) =>
    applySimilarity(
      still,
      Float64Array.from(rows, (row) => row[q]!),
    ),
  );
  return rows.map((_, p) => Float64Array.from(columns, (column) => column[p]!));
}
