import type { LayersModel } from "@tensorflow/tfjs-layers";
import { loadFrom } from "./load-from.js";
import type { WeightsSource } from "./source-bytes.js";

/** A new model with the weights of a file in its backbone; the model is released where that fails. */
export async function loadInto(caller: string, model: LayersModel, weights: WeightsSource): Promise<LayersModel> {
  try {
    await loadFrom(caller, model, weights, { strict: "backbone" });
    return model;
  } catch (error) {
    model.dispose();
    throw error;
  }
}
