import { InvalidArgumentError } from "@acr/core";
import { checkErrors } from "./internal/check-errors.js";

/** Points of a cumulative error distribution. */
export interface CedCurve {
  /** NME, as fractions. */
  thresholds: number[];
  /** Share of faces with NME <= the threshold. */
  fractions: number[];
}

/**
 * Cumulative error distribution: for each threshold the share of faces with NME <= it.
 *
 * @param errors - NME of each face, as fractions.   @param options.thresholds - default 0, 0.005, …, 0.1.
 * @throws {InvalidArgumentError} no errors, one that is not finite, or no thresholds.
 * @example cedCurve([0.04, 0.2], { thresholds: [0.05, 0.1] }).fractions; // [0.5, 0.5]
 */
export function cedCurve(
  errors: ArrayLike<number>,
  { thresholds = defaultThresholds() }: { thresholds?: readonly number[] } = {},
): CedCurve {
  checkErrors("cedCurve", errors);
  const bad = thresholds.findIndex((threshold) => !(threshold >= 0 && Number.isFinite(threshold)));
  if (bad >= 0) throw new InvalidArgumentError(`cedCurve: thresholds[${bad}] must be >= 0; got ${thresholds[bad]}.`);
  if (thresholds.length === 0) throw new InvalidArgumentError("cedCurve: thresholds must not be empty.");
  const sorted = Float64Array.from(errors).sort();
  const fractions = thresholds.map((threshold) => {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle]! <= threshold) low = middle + 1;
      else high = middle;
    }
    return low / sorted.length;
  });
  return { thresholds: [...thresholds], fractions };
}

const defaultThresholds = () => Array.from({ length: 21 }, (_, i) => i / 200);
