import type { LayersModel } from "@tensorflow/tfjs-layers";
import { loadFrom } from "./internal/load-from.js";
import type { WeightsSource } from "./internal/source-bytes.js";
import type { LoadWeightsOptions, WeightsReport } from "./weights-report.js";

/** Options of `loadKerasWeights`. */
export type LoadKerasWeightsOptions = LoadWeightsOptions;
/** What `loadKerasWeights` did. */
export type KerasWeightsReport = WeightsReport;

/**
 * Copies weights from a file that Keras wrote into a tfjs model.
 *
 * Reads Keras 3 `.weights.h5` and `.keras`, and the older whole-model and weights-only `.h5`, such as the published
 * files of Keras Applications. Layers are matched by name, and where no name matches, by order within their class.
 * All is checked before the first weight changes: after an error the model is as it was.
 *
 * @param model - a LayersModel whose layers are Keras', for example from `createBackbone` or `createLandmarkModel`.
 * @param file - the file's bytes, its URL, or in Node its path.
 * @returns what was used and what was left out.
 * @throws {DataFormatError} no Keras file, damaged, or with values that are not finite.
 * @throws {ShapeError} an array has another shape than the model's.
 * @throws {InvalidArgumentError} strict, and layers are missing or left over.
 * @example
 * const report = await loadKerasWeights(backbone, "mobilenet_v2.h5");
 * console.log(report.loaded.length, "layers");
 */
export function loadKerasWeights(
  model: LayersModel,
  file: WeightsSource,
  options: LoadKerasWeightsOptions = {},
): Promise<KerasWeightsReport> {
  return loadFrom("loadKerasWeights", model, file, { ...options, onlyKeras: true });
}
