import { checkOptions, InvalidArgumentError } from "@acr/core";
import type { PoseBins } from "./pose-balanced.js";

/** More would be a slip of the pen: each bin has to hold faces. */
const MOST_BINS = 1000;

export interface PoseBinsOptions {
  /** Bins of equal width over the range of the coefficients, an integer from 2 to 1000. Default 9. */
  binCount?: number;
  /** Largest weight, so that one odd face does not rule a batch, >= 1. Default 10. */
  maxWeight?: number;
}

/**
 * The histogram behind `poseBalanced`: weighs each bin of the pose coefficient so that all bins that hold faces count alike.
 *
 *   weight of bin i = N / (M · nᵢ), at most `maxWeight`,   N faces, nᵢ in bin i, M bins not empty
 *
 * The mean weight over the faces is 1 as long as no weight is cut. Empty bins get the largest weight in use.
 *
 * @param coefficients - of each training face, the first of a shape model (or the one that turns the head).
 * @throws {InvalidArgumentError} no coefficient, one that is not finite, all equal, or an option out of range.
 * @example const bins = poseBins(trainingFaces.map((shape) => model.project(shape)[0]));
 */
export function poseBins(coefficients: ArrayLike<number>, options: PoseBinsOptions = {}): PoseBins {
  checkOptions("poseBins", options, ["binCount", "maxWeight"]);
  const { binCount = 9, maxWeight = 10 } = options;
  if (!Number.isInteger(binCount) || binCount < 2 || binCount > MOST_BINS)
    throw new InvalidArgumentError(
      `poseBins: binCount must be an integer from 2 to ${MOST_BINS}; got ${String(binCount)}.`,
    );
  if (typeof maxWeight !== "number" || !(maxWeight >= 1))
    throw new InvalidArgumentError(`poseBins: maxWeight must be a number >= 1; got ${String(maxWeight)}.`);
  const values = Array.from(coefficients ?? []);
  if (values.length === 0 || !values.every(Number.isFinite))
    throw new InvalidArgumentError(
      "poseBins: coefficients must be finite numbers, at least one; got none, NaN or Infinity.",
    );
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  if (low === high) throw new InvalidArgumentError("poseBins: coefficients must differ; got equal ones only.");
  const edges = Array.from({ length: binCount - 1 }, (_, i) => low + ((high - low) * (i + 1)) / binCount);
  const counts = new Array<number>(binCount).fill(0);
  for (const value of values) counts[edges.filter((edge) => value >= edge).length]!++;
  const occupied = counts.filter((count) => count > 0).length;
  const raw = counts.map((count) => (count > 0 ? Math.min(maxWeight, values.length / (occupied * count)) : 0));
  const largest = raw.reduce((a, b) => Math.max(a, b));
  return { edges, weights: raw.map((weight) => (weight > 0 ? weight : largest)) };
}
