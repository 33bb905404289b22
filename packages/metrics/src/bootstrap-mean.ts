import { checkOptions } from "@acr/core";
import { checkErrors } from "./internal/check-errors.js";
import { quantile } from "./internal/quantile.js";
import { checkLevel, mean, resampleMeans } from "./internal/resample-means.js";

/** Options of `bootstrapMean`. */
export interface BootstrapOptions {
  /** Share of resamples between the bounds, in (0, 1). Default 0.95. */
  level?: number;
  /** An integer >= 1. Default 1000. */
  resamples?: number;
  /** The same seed gives the same bounds. Default 0. */
  seed?: number | string;
}

/** A mean with its uncertainty, in the unit of the values. */
export interface MeanInterval {
  mean: number;
  low: number;
  high: number;
  level: number;
  /** Standard deviation of the resampled means. */
  standardError: number;
}

/**
 * Percentile bootstrap interval of a mean: values are drawn with replacement, as many as there are, and the middle
 * `level` of the means of the resamples is the interval. NME, failure rate and AUC are all means over faces.
 *
 * Edges: beyond 5000 values each resample has 5000 and the spread is scaled by √(5000 / n), which has the same variance;
 * one value gives an interval of no width.
 *
 * @param values - one number a face, finite.
 * @throws {InvalidArgumentError} no values, one that is not finite, an option out of range.
 * @see Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13. Deviations: the limit on draws.
 * @example bootstrapMean([0.031, 0.045, 0.028, 0.052]); // { mean: 0.039, low: 0.0303, high: 0.04855, … }
 */
export function bootstrapMean(values: ArrayLike<number>, options: BootstrapOptions = {}): MeanInterval {
  checkOptions("bootstrapMean", options, ["level", "resamples", "seed"]);
  const { level = 0.95, resamples = 1000, seed = 0 } = options;
  checkErrors("bootstrapMean", values);
  checkLevel("bootstrapMean", level);
  const means = resampleMeans("bootstrapMean", [values], { resamples, seed })[0]!;
  const center = mean(means);
  let squares = 0;
  for (const value of means) squares += (value - center) ** 2;
  return {
    mean: mean(values),
    low: quantile(means, (1 - level) / 2),
    high: quantile(means, (1 + level) / 2),
    level,
    standardError: Math.sqrt(squares / Math.max(1, means.length - 1)),
  };
}
