export { auc } from "./auc.js";
export { type AucMetricOptions, aucMetric } from "./auc-metric.js";
export { type BootstrapOptions, bootstrapMean, type MeanInterval } from "./bootstrap-mean.js";
export { type CedCurve, cedCurve } from "./ced-curve.js";
export { type ComparePairedOptions, comparePaired, type PairedComparison } from "./compare-paired.js";
export { type EvaluateOptions, evaluate } from "./evaluate.js";
export { evaluateSubsets, type SubsetSummary, type Subsets } from "./evaluate-subsets.js";
export { type EvaluateTensorsOptions, evaluateTensors } from "./evaluate-tensors.js";
export { failureRate } from "./failure-rate.js";
export { type FailureRateMetricOptions, failureRateMetric } from "./failure-rate-metric.js";
export { type HeadPose, headPose } from "./head-pose.js";
export { holmAdjust } from "./holm-adjust.js";
export type { BatchMetric, BatchMetricOptions } from "./internal/batch-metric.js";
export type { CountedLandmarks } from "./internal/counted.js";
export { type NmeOptions, type NormalizedErrorsOptions, nme, normalizedErrors } from "./nme.js";
export {
  type EvaluationOptions,
  type EvaluationResult,
  type FaceToAdd,
  NmeAccumulator,
  type NmeAccumulatorJson,
} from "./nme-accumulator.js";
export { nmeMetric } from "./nme-metric.js";
export { type NmeTensorOptions, nmeTensor } from "./nme-tensor.js";
export { type Normalizer, type NormalizerEnd, type NormalizerName, normalizerSize } from "./normalizer-size.js";
export { type OcclusionOptions, type OcclusionScores, occlusionScores } from "./occlusion-scores.js";
export { type FaceTags, type SubsetsByTagOptions, subsetsByTag } from "./subsets-by-tag.js";
export {
  type ConfidenceIntervals,
  type ErrorSummary,
  type SummaryOptions,
  summarizeErrors,
} from "./summarize-errors.js";
export { type JitterOptions, type TemporalJitter, temporalJitter } from "./temporal-jitter.js";
