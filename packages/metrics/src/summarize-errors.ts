import { checkOptions, InvalidArgumentError } from "@acr/core";
import { auc } from "./auc.js";
import { type CedCurve, cedCurve } from "./ced-curve.js";
import { failureRate } from "./failure-rate.js";
import { quantile } from "./internal/quantile.js";
import { checkLevel, mean, resampleMeans } from "./internal/resample-means.js";

/** Options of `summarizeErrors`. */
export interface SummaryOptions {
  /** NME above which a face counts as failed, a fraction. Default 0.1. */
  failureThreshold?: number;
  /** Upper end of the AUC, a fraction. Default 0.1. */
  aucThreshold?: number;
  /** Thresholds of the CED, fractions. Default 0, 0.005, …, 0.1. */
  cedThresholds?: readonly number[];
  /** Resamples of the bootstrap intervals; 0 for none. Default 1000. */
  resamples?: number;
  /** Share of resamples within the intervals, in (0, 1). Default 0.95. */
  confidenceLevel?: number;
  /** Seed of the bootstrap. Default 0. */
  seed?: number | string;
}

/** Bootstrap intervals of the three means over faces. */
export interface ConfidenceIntervals {
  level: number;
  /** Of the mean NME, in percent. */
  lowPercent: number;
  highPercent: number;
  /** Of the failure rate, in percent. */
  failureRatePercent: [low: number, high: number];
  /** Of the AUC, in [0, 1]. */
  auc: [low: number, high: number];
}

/** The figures of a set of faces. */
export interface ErrorSummary {
  /** Faces with an error. */
  count: number;
  /** Faces whose prediction was not finite. They count as failures, and as 0 in AUC and CED, but in no mean or median. */
  failedCount: number;
  nmePercent: number;
  medianPercent: number;
  failureRatePercent: number;
  /** In [0, 1]. */
  auc: number;
  ced: CedCurve;
  confidence?: ConfidenceIntervals;
}

/** Names of the options, for callers that pass them on. */
export const SUMMARY_OPTIONS: readonly string[] = [
  "failureThreshold",
  "aucThreshold",
  "cedThresholds",
  "resamples",
  "confidenceLevel",
  "seed",
];

/**
 * The protocol's figures from the error of each face.
 *
 * Edges: NaN is a face without a counted landmark and is left out; +Infinity is a face without a usable prediction:
 * a failure at every threshold.
 *
 * @param errors - NME of each face, as fractions.
 * @throws {InvalidArgumentError} no face with a finite error, a negative one, an option out of range.
 * @example summarizeErrors([0.031, 0.045, 0.12]).failureRatePercent; // 33.3…
 */
export function summarizeErrors(errors: ArrayLike<number>, options: SummaryOptions = {}): ErrorSummary {
  checkOptions("summarizeErrors", options, SUMMARY_OPTIONS);
  const { failureThreshold = 0.1, aucThreshold = 0.1, cedThresholds, resamples = 1000 } = options;
  const { confidenceLevel = 0.95, seed = 0 } = options;
  checkLevel("summarizeErrors", confidenceLevel);
  const { finite, failedCount } = split(errors);
  const count = finite.length;
  const share = count / (count + failedCount);
  const curve = cedCurve(finite, { thresholds: cedThresholds });
  return {
    count,
    failedCount,
    nmePercent: 100 * mean(finite),
    medianPercent: 100 * quantile(finite.slice().sort(), 0.5),
    failureRatePercent: 100 * (failureRate(finite, { threshold: failureThreshold }) * share + (1 - share)),
    auc: auc(finite, { threshold: aucThreshold }) * share,
    ced: { thresholds: curve.thresholds, fractions: curve.fractions.map((fraction) => fraction * share) },
    ...(resamples !== 0 && {
      confidence: intervals(finite, failedCount, {
        failureThreshold,
        aucThreshold,
        resamples,
        level: confidenceLevel,
        seed,
      }),
    }),
  };
}

function split(errors: ArrayLike<number>): { finite: Float64Array; failedCount: number } {
  const finite = new Float64Array(errors.length);
  let count = 0;
  let failedCount = 0;
  for (let i = 0; i < errors.length; i++) {
    const error = errors[i]!;
    if (error < 0) throw new InvalidArgumentError(`summarizeErrors: errors[${i}] must be >= 0; got ${error}.`);
    if (error === Number.POSITIVE_INFINITY) failedCount++;
    else if (!Number.isNaN(error)) finite[count++] = error;
  }
  if (count === 0)
    throw new InvalidArgumentError(
      `evaluate: there must be at least one face with a counted landmark${failedCount > 0 ? " and a finite prediction" : ""}; got none.`,
    );
  return { finite: finite.subarray(0, count), failedCount };
}

interface IntervalOptions {
  failureThreshold: number;
  aucThreshold: number;
  resamples: number;
  level: number;
  seed: number | string;
}

function intervals(finite: Float64Array, failedCount: number, options: IntervalOptions): ConfidenceIntervals {
  const { failureThreshold, aucThreshold, resamples, level, seed } = options;
  const failures = Float64Array.from(finite, (error) => (error > failureThreshold ? 1 : 0));
  const areas = Float64Array.from(finite, (error) => Math.max(0, 1 - error / aucThreshold));
  const draw = (columns: Float64Array[]) => resampleMeans("summarizeErrors", columns, { resamples, seed });
  const bounds = (means: Float64Array, scale: number): [number, number] => [
    scale * quantile(means, (1 - level) / 2),
    scale * quantile(means, (1 + level) / 2),
  ];
  let nmes: Float64Array;
  let rates: Float64Array;
  let aucs: Float64Array;
  if (failedCount === 0)
    [nmes, rates, aucs] = draw([finite, failures, areas]) as [Float64Array, Float64Array, Float64Array];
  else {
    // Failed predictions are rows of the two shares, but have no error to average.
    const padded = (column: Float64Array, value: number) => {
      const longer = new Float64Array(column.length + failedCount).fill(value);
      longer.set(column);
      return longer;
    };
    [nmes] = draw([finite]) as [Float64Array];
    [rates, aucs] = draw([padded(failures, 1), padded(areas, 0)]) as [Float64Array, Float64Array];
  }
  const [lowPercent, highPercent] = bounds(nmes, 100);
  return { level, lowPercent, highPercent, failureRatePercent: bounds(rates, 100), auc: bounds(aucs, 1) };
}
