import type { LandmarkScheme } from "@acr/core";
import { mul } from "@tensorflow/tfjs-core";
import { type BatchMetric, type BatchMetricOptions, batchMetric } from "./internal/batch-metric.js";

/**
 * The mean NME of a batch, in percent, as a metric for `model.compile({ metrics })`. Targets come first, as
 * tfjs-layers passes them; it then averages batches by their size, which gives the NME of all faces exactly.
 *
 * @param scheme - landmark scheme of the model.   @param options.normalizer - default `"inter-ocular"`.
 * @returns a function of `[B, K, 2]` or `[B, 2K]` tensors in any one frame; logs call it `nmePercent`.
 * @throws {ShapeError} when called with tensors of another number of landmarks.
 * @example model.compile({ optimizer: "adam", loss, metrics: [nmeMetric(ibug68)] });
 */
export function nmeMetric(scheme: LandmarkScheme, options: BatchMetricOptions = {}): BatchMetric {
  return batchMetric("nmePercent", scheme, options, (errors) => mul(errors, 100));
}
