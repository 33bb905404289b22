import type { LandmarkScheme } from "@acr/core";
import { cast, greater, mul } from "@tensorflow/tfjs-core";
import { type BatchMetric, type BatchMetricOptions, batchMetric } from "./internal/batch-metric.js";
import { checkThreshold } from "./internal/check-errors.js";

/** Options of `failureRateMetric`. */
export interface FailureRateMetricOptions extends BatchMetricOptions {
  /** A fraction. Default 0.1. */
  threshold?: number;
}

/**
 * The share of failed faces of a batch, in percent, as a metric for `model.compile({ metrics })`.
 *
 * @param scheme - landmark scheme of the model.
 * @returns a function of `[B, K, 2]` or `[B, 2K]` tensors in any one frame; logs call it `failureRatePercent`.
 * @throws {InvalidArgumentError} threshold <= 0.
 * @example model.compile({ optimizer: "adam", loss, metrics: [failureRateMetric(ibug68, { threshold: 0.08 })] });
 */
export function failureRateMetric(
  scheme: LandmarkScheme,
  { threshold = 0.1, ...options }: FailureRateMetricOptions = {},
): BatchMetric {
  checkThreshold("failureRateMetric", "threshold", threshold);
  return batchMetric("failureRatePercent", scheme, options, (errors) =>
    mul(cast(greater(errors, threshold), "float32"), 100),
  );
}
