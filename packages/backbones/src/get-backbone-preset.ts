import type { BackbonePreset } from "./backbone-preset.js";
import { findRegistration } from "./internal/registry.js";

/**
 * The record of a backbone: input size, preprocessing, features, parameters, paper.
 *
 * @param name - one of `listBackbones()`.
 * @throws {InvalidArgumentError} unknown name, with the nearest valid ones.
 * @example getBackbonePreset("mobilenet_v2_050").featureCount; // 1280
 */
export function getBackbonePreset(name: string): BackbonePreset {
  return findRegistration("getBackbonePreset", name).preset;
}
