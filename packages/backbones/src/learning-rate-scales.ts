import { checkOptions, InvalidArgumentError } from "@acr/core";
import type { Tensor, Variable } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { type ModelPart, selectLayers } from "./internal/select-layers.js";

/** Which part of a model learns how fast. */
export interface PartLearningRate {
  /** An index, a stage's name or names of layers, as for `freezeLayers`. */
  part: ModelPart;
  /** The learning rate of these weights, as a multiple of the others', > 0. */
  scale: number;
}

/**
 * Discriminative learning rates: what multiplies the learning rate of each trainable variable. Early stages of a trained backbone are
 * of use as they are and want small steps, a new head large ones.
 *
 * @param model - a LayersModel.
 * @param parts - later ones win where they overlap; what no one names has scale 1.
 * @returns scales by the name of the variable, as `tf.variableGrads` names its gradients; only trainable ones.
 * @throws {InvalidArgumentError} model is no LayersModel, a part names no layer, or a scale is not > 0 (to hold weights, freeze them).
 * @see Howard and Ruder, ACL 2018, arXiv:1801.06146, section 3.2: each stage 1/2.6 of the next.
 * @example const scales = learningRateScales(model, [{ part: 0, scale: 0.1 }, { part: "head", scale: 3 }]);
 */
export function learningRateScales(model: LayersModel, parts: readonly PartLearningRate[]): Map<string, number> {
  const caller = "learningRateScales";
  if (!Array.isArray(model?.layers)) throw new InvalidArgumentError(`${caller}: model must be a tfjs LayersModel.`);
  if (!Array.isArray(parts))
    throw new InvalidArgumentError(`${caller}: parts must be a list of { part, scale }; got ${typeof parts}.`);
  const byLayer = new Map<string, number>();
  for (const rule of parts) {
    checkOptions(caller, rule ?? null, ["part", "scale"]);
    const { part, scale } = rule;
    if (!(typeof scale === "number" && scale > 0 && Number.isFinite(scale))) {
      throw new InvalidArgumentError(
        `${caller}: scale of ${JSON.stringify(part)} must be a number > 0; got ${String(scale)}. Freeze layers that must not learn.`,
      );
    }
    for (const layer of selectLayers(caller, model, part)) byLayer.set(layer.name, scale);
  }
  const scales = new Map<string, number>();
  for (const layer of model.layers) {
    for (const weight of layer.trainableWeights as unknown as { read(): Tensor }[])
      scales.set((weight.read() as Variable).name, byLayer.get(layer.name) ?? 1);
  }
  return scales;
}
