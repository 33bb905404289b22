import { InvalidArgumentError } from "@acr/core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { fetchWeights } from "./fetch-weights.js";
import { savedLayers } from "./internal/keras-saved-layers.js";
import { writeBytes } from "./internal/write-bytes.js";
import { writeKerasH5 } from "./internal/write-keras-h5.js";

/**
 * Writes a model's weights as a Keras 3 `.weights.h5`, which `keras.Model.load_weights` reads into the same topology.
 *
 * Keras finds layers by class and order. EfficientNet's normalisation is written as Keras' own (mean, variance, count).
 *
 * @param model - a LayersModel; its weights are not changed.
 * @param file - in Node, a path to write; it should end in `.weights.h5`, or Keras takes it for another kind.
 * @returns the file's bytes, also when written.
 * @throws {InvalidArgumentError} model is no LayersModel, a weight is not finite, or a path ends otherwise.
 * @throws {DataFormatError} the file cannot be written; no part of it is left.
 * @example
 * await saveKerasWeights(backbone, "mobilenet.weights.h5");
 */
export async function saveKerasWeights(model: LayersModel, file?: string): Promise<Uint8Array> {
  const caller = "saveKerasWeights";
  if (!Array.isArray(model?.layers)) throw new InvalidArgumentError(`${caller}: model must be a tfjs LayersModel.`);
  if (file !== undefined && !(typeof file === "string" && file.endsWith(".weights.h5"))) {
    throw new InvalidArgumentError(
      `${caller}: file must be a path that ends in .weights.h5, or Keras will not read it; got ${JSON.stringify(file)}.`,
    );
  }
  await fetchWeights(model);
  const bytes = await writeKerasH5(savedLayers(caller, model));
  if (file !== undefined) await writeBytes(caller, file, bytes);
  return bytes;
}
