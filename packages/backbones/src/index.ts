export type { BackbonePreset } from "./backbone-preset.js";
export { type BackboneOptions, createBackbone } from "./create-backbone.js";
export { createLandmarkModel, type LandmarkModelOptions } from "./create-landmark-model.js";
export { getBackbonePreset } from "./get-backbone-preset.js";
export { listBackbones } from "./list-backbones.js";
export {
  type KerasWeightsReport,
  type LoadKerasWeightsOptions,
  loadKerasWeights,
} from "./load-keras-weights.js";
