import type { LandmarkScheme } from "@acr/core";
import { div, relu, sub } from "@tensorflow/tfjs-core";
import { type BatchMetric, type BatchMetricOptions, batchMetric } from "./internal/batch-metric.js";
import { checkThreshold } from "./internal/check-errors.js";

/** Options of `aucMetric`. */
export interface AucMetricOptions extends BatchMetricOptions {
  /** A fraction. Default 0.1. */
  threshold?: number;
}

/**
 * The exact AUC of a batch, in [0, 1], as a metric for `model.compile({ metrics })`: being a mean over faces, it may be
 * averaged over batches.
 *
 * @param scheme - landmark scheme of the model.
 * @returns a function of `[B, K, 2]` or `[B, 2K]` tensors in any one frame; logs call it `auc`.
 * @throws {InvalidArgumentError} threshold <= 0.
 * @example model.compile({ optimizer: "adam", loss, metrics: [aucMetric(ibug68)] });
 */
export function aucMetric(scheme: LandmarkScheme, { threshold = 0.1, ...options }: AucMetricOptions = {}): BatchMetric {
  checkThreshold("aucMetric", "threshold", threshold);
  return batchMetric("auc", scheme, options, (errors) => relu(sub(1, div(errors, threshold))));
}
