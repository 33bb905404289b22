export type { BackbonePreset } from "./backbone-preset.js";
export { type BackboneOptions, createBackbone } from "./create-backbone.js";
export { createHeadTraining, type HeadTraining, type HeadTrainingOptions } from "./create-head-training.js";
export { createLandmarkModel, type LandmarkModelOptions } from "./create-landmark-model.js";
export { type ExportOnnxOptions, exportOnnx } from "./export-onnx.js";
export { type ExportTfjsOptions, exportTfjs, type TfjsFiles } from "./export-tfjs.js";
export { fetchWeights } from "./fetch-weights.js";
export { freezeLayers } from "./freeze-layers.js";
export { getBackbonePreset } from "./get-backbone-preset.js";
export { type InspectedArray, inspectWeights, type WeightsInspection } from "./inspect-weights.js";
export type { HeadName } from "./internal/heads/landmark-heads.js";
export type { ModelPart } from "./internal/select-layers.js";
export type { WeightsSource } from "./internal/source-bytes.js";
export { learningRateScales, type PartLearningRate } from "./learning-rate-scales.js";
export { listBackbones } from "./list-backbones.js";
export { listHeads } from "./list-heads.js";
export {
  type KerasWeightsReport,
  type LoadKerasWeightsOptions,
  loadKerasWeights,
} from "./load-keras-weights.js";
export { loadWeights } from "./load-weights.js";
export { type LandmarkPrediction, predictLandmarks } from "./predict-landmarks.js";
export { saveKerasModel } from "./save-keras-model.js";
export { saveKerasWeights } from "./save-keras-weights.js";
export { type ModelSummary, type StageSummary, summary } from "./summary.js";
export type { LoadWeightsOptions, WeightsReport } from "./weights-report.js";
