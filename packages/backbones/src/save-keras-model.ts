import { InvalidArgumentError } from "@acr/core";
import { type LayersModel, Sequential } from "@tensorflow/tfjs-layers";
import { strToU8, zipSync } from "fflate";
import { fetchWeights } from "./fetch-weights.js";
import { kerasConfig } from "./internal/keras-config.js";
import { savedLayers } from "./internal/keras-saved-layers.js";
import { writeBytes } from "./internal/write-bytes.js";
import { writeKerasH5 } from "./internal/write-keras-h5.js";

/** The version whose format is written. */
const KERAS_VERSION = "3.8.0";

/**
 * Writes a model, topology and weights, as a `.keras` file, which `keras.saving.load_model` (Keras 3) reads.
 *
 * @param model - a LayersModel of standard layers, each used once; it is not changed. A Sequential is written as the functional
 * model it stands for.
 * @param file - in Node, a path to write; it should end in `.keras`.
 * @returns the file's bytes, also when written.
 * @throws {InvalidArgumentError} a layer or activation without a counterpart in Keras, a weight that is not finite, or a
 * path that ends otherwise.
 * @throws {DataFormatError} the file cannot be written; no part of it is left.
 * @example
 * await saveKerasModel(model, "landmarks.keras"); // Python: keras.saving.load_model("landmarks.keras")
 */
export async function saveKerasModel(model: LayersModel, file?: string): Promise<Uint8Array> {
  const caller = "saveKerasModel";
  if (!Array.isArray(model?.layers)) throw new InvalidArgumentError(`${caller}: model must be a tfjs LayersModel.`);
  if (file !== undefined && !(typeof file === "string" && file.endsWith(".keras"))) {
    throw new InvalidArgumentError(`${caller}: file must be a path that ends in .keras; got ${JSON.stringify(file)}.`);
  }
  const functional = model instanceof Sequential ? functionalOf(caller, model) : model;
  const config = kerasConfig(caller, functional);
  await fetchWeights(functional);
  const weights = await writeKerasH5(savedLayers(caller, functional));
  const bytes = zipSync(
    {
      "metadata.json": strToU8(JSON.stringify({ keras_version: KERAS_VERSION, date_saved: new Date().toISOString() })),
      "config.json": strToU8(JSON.stringify(config)),
      "model.weights.h5": weights,
    },
    // Weights hardly shrink.
    { level: 0 },
  );
  if (file !== undefined) await writeBytes(caller, file, bytes);
  return bytes;
}

/** The functional model that a Sequential stands for, which lists its input among its layers. */
function functionalOf(caller: string, model: Sequential): LayersModel {
  if (model.outputs.length === 0) throw new InvalidArgumentError(`${caller}: model has no layers.`);
  model.build();
  return (model as unknown as { model: LayersModel }).model;
}
