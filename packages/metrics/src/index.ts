export { auc } from "./auc.js";
export { type CedCurve, cedCurve } from "./ced-curve.js";
export { type EvaluateOptions, evaluate } from "./evaluate.js";
export { failureRate } from "./failure-rate.js";
export { type NmeOptions, nme, normalizedErrors } from "./nme.js";
export { type EvaluationOptions, type EvaluationResult, type FaceToAdd, NmeAccumulator } from "./nme-accumulator.js";
export { nmeMetric } from "./nme-metric.js";
export { type Normalizer, normalizerSize } from "./normalizer-size.js";
