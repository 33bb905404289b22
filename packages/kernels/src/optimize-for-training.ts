import { InvalidArgumentError } from "@acr/core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { FusedGraph } from "./internal/fused-graph/fused-graph.js";

/**
 * A second view of a model that trains and predicts through fused kernels: Conv2D or DepthwiseConv2D without bias,
 * BatchNormalization, and the ReLU, ReLU6, swish or sigmoid behind it.
 *
 * The result shares the original's weight variables: training it trains the original, which stays a plain tfjs model
 * and is the one to save. Layers that are not fused run as they are. No prototype is touched. Unlike in plain tfjs, a
 * frozen BatchNormalization keeps its statistics and infers with them in training too, as in Keras.
 *
 * @param model - a functional or sequential model; shared layers, models within it and several inputs or outputs are fine.
 * @returns a LayersModel with the same inputs, outputs and weights. Dispose the original only.
 * @throws {InvalidArgumentError} model is not a LayersModel.
 * @throws {BackendError} from a training step, before it starts: the batch does not fit into the backend's memory.
 * @example
 * const fast = optimizeForTraining(model);
 * fast.compile({ optimizer: "adam", loss: "meanSquaredError" });
 * await fast.fit(x, y);
 * await model.save("downloads://model");
 */
export function optimizeForTraining(model: LayersModel): LayersModel {
  if (!Array.isArray(model?.layers) || !Array.isArray(model.inputs)) {
    throw new InvalidArgumentError("optimizeForTraining: model must be a tfjs LayersModel.");
  }
  return FusedGraph.twinOf(model);
}
