import { checkOptions, InvalidArgumentError, ShapeError } from "@acr/core";

/** Options of `occlusionScores`. */
export interface OcclusionOptions {
  /** Precision at which recall is read, in (0, 1]. Default 0.8, the custom on COFW. */
  precision?: number;
}

/** How well a model tells which landmarks are occluded. */
export interface OcclusionScores {
  /** Landmarks scored, and how many of them are occluded. */
  count: number;
  occludedCount: number;
  /** Highest recall among thresholds with at least the asked precision; NaN when none reaches it. */
  recallAtPrecision: number;
  /** Landmarks with a score >= this count as occluded at that point; NaN when none reaches it. */
  threshold: number;
  /** Precision and recall there. */
  precision: number;
  /** Σ (Rₙ − Rₙ₋₁) Pₙ over falling thresholds. */
  averagePrecision: number;
  /** The curve, by falling threshold, one point a distinct score. */
  curve: { thresholds: number[]; precisions: number[]; recalls: number[] };
}

/**
 * Precision and recall of predicted occlusion over all landmarks of all faces, and the recall at 80 % precision that is
 * reported on COFW.
 *
 *   precision = hits / predicted,   recall = hits / occluded
 *
 * Edges: equal scores enter together; a precision that no threshold reaches gives NaN, never 0.
 *
 * @param scores - one array of K a face: the higher, the more surely occluded. From visibility v: 1 − v.
 * @param occluded - the truth, the same shape, true for an occluded landmark.
 * @throws {ShapeError} unequal counts.   @throws {InvalidArgumentError} no occluded landmark, a score that is NaN, precision out of range.
 * @see Burgos-Artizzu, Perona, Dollár, ICCV 2013, section 5; `curve` as scikit-learn's precision_recall_curve. Deviations: none.
 * @example occlusionScores([[0.9, 0.1, 0.6]], [[1, 0, 1]]).recallAtPrecision; // 1
 */
export function occlusionScores(
  scores: readonly ArrayLike<number>[],
  occluded: readonly ArrayLike<number | boolean>[],
  options: OcclusionOptions = {},
): OcclusionScores {
  checkOptions("occlusionScores", options, ["precision"]);
  const { precision: asked = 0.8 } = options;
  if (!(asked > 0 && asked <= 1))
    throw new InvalidArgumentError(`occlusionScores: precision must be in (0, 1]; got ${asked}.`);
  if (scores.length !== occluded.length)
    throw new ShapeError(
      `occlusionScores: both must hold the same faces; got ${scores.length} and ${occluded.length}.`,
    );
  const pairs: { score: number; hit: boolean }[] = [];
  scores.forEach((own, face) => {
    const truth = occluded[face]!;
    if (own.length !== truth.length)
      throw new ShapeError(
        `occlusionScores: face ${face} must have as many scores as flags; got ${own.length} and ${truth.length}.`,
      );
    for (let k = 0; k < own.length; k++) {
      if (Number.isNaN(own[k]))
        throw new InvalidArgumentError(`occlusionScores: the score of landmark ${k} of face ${face} is NaN.`);
      pairs.push({ score: own[k]!, hit: !!truth[k] });
    }
  });
  const occludedCount = pairs.filter(({ hit }) => hit).length;
  if (occludedCount === 0)
    throw new InvalidArgumentError("occlusionScores: occluded must hold at least one occluded landmark; got none.");
  pairs.sort((a, b) => b.score - a.score);
  const curve: OcclusionScores["curve"] = { thresholds: [], precisions: [], recalls: [] };
  let hits = 0;
  let averagePrecision = 0;
  let best = { recallAtPrecision: Number.NaN, threshold: Number.NaN, precision: Number.NaN };
  pairs.forEach(({ score, hit }, i) => {
    if (hit) hits++;
    if (pairs[i + 1]?.score === score) return;
    const precision = hits / (i + 1);
    const recall = hits / occludedCount;
    averagePrecision += (recall - (curve.recalls.at(-1) ?? 0)) * precision;
    curve.thresholds.push(score);
    curve.precisions.push(precision);
    curve.recalls.push(recall);
    if (precision >= asked && hits > 0 && !(recall <= best.recallAtPrecision))
      best = { recallAtPrecision: recall, threshold: score, precision };
  });
  return { count: pairs.length, occludedCount, ...best, averagePrecision, curve };
}
