export { type DifficultyTensorOptions, difficultyTensor } from "./difficulty-tensor.js";
export {
  type DifficultyOptions,
  type FitOptions,
  type ModeOptions,
  PointModel,
  type PointModelJson,
  type SmoothOptions,
} from "./point-model.js";
export { paperSchedule, type Stage, stageAt } from "./stage-at.js";
