export { type BackboneInfo, type BackboneOptions, createBackbone, getBackboneInfo, listBackbones } from "./create-backbone.js";
export { createLandmarkModel, type LandmarkModelOptions } from "./create-landmark-model.js";
