export {
  type ActiveShapeFitOptions,
  ActiveShapeModel,
  type ActiveShapeResult,
  type ActiveShapeSample,
  type ActiveShapeSearchOptions,
} from "./active-shape-model.js";
export { type AlignedShapes, type AlignShapesOptions, alignShapes } from "./align-shapes.js";
export { applySimilarity } from "./apply-similarity.js";
export { createDifficultyTable, type DifficultyTable } from "./create-difficulty-table.js";
export { createDifficultyTensor, type DifficultyTensor } from "./create-difficulty-tensor.js";
export { type DifficultyTensorOptions, difficultyTensor } from "./difficulty-tensor.js";
export { type FilledShape, type FillMissingOptions, fillMissing } from "./fill-missing.js";
export type { BuilderOptions, FitOptions, PointModelBuilder } from "./fit-options.js";
export { invertSimilarity } from "./invert-similarity.js";
export type { DifficultyOptions, ModeOptions, ProjectOptions, SampleOptions, SmoothOptions } from "./mode-options.js";
export type { PixelImage } from "./pixel-image.js";
export { type PlausibleShapeOptions, plausibleShape } from "./plausible-shape.js";
export { type ExplainedVariance, PointModel } from "./point-model.js";
export type { PointModelJson } from "./point-model-json.js";
export { type LabelScore, type ScoreLabelsOptions, scoreLabels } from "./score-labels.js";
export { type Similarity, type SimilarityBetweenOptions, similarityBetween } from "./similarity-between.js";
export { type SmoothTensorOptions, smoothTensor } from "./smooth-tensor.js";
export { paperSchedule, type Stage, stageAt } from "./stage-at.js";
export { type StageModes, stageModes } from "./stage-modes.js";
