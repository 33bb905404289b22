import { InvalidArgumentError } from "@acr/core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { inferWhileFrozen } from "./internal/infer-while-frozen.js";
import { type ModelPart, selectLayers } from "./internal/select-layers.js";

/**
 * Freezes parts of a model: their weights stay as they are, and their BatchNorm layers work as in inference, so that their
 * statistics stay too. Both hold for plain tfjs and for `optimizeForTraining` of `@acr/kernels`. To thaw a layer, set its `trainable`.
 *
 * Models of this package do the same where `layer.trainable = false` or `model.trainable = false` is set by hand, as Keras does. Stock
 * BatchNorm layers of other models, loaded ones too, go on with the batch's statistics then, until `freezeLayers` was called once.
 *
 * Compile or build an optimizer after it: what trains is read from the model then.
 *
 * @param model - a LayersModel; those with layers that are shared are fine.
 * @param parts - of them each an index as in `outputIndices` (0 is the stage at stride 2 with all in front of it, 4 that at stride 32), a
 * stage's name as `summary` gives it (`"stride 8"`, `"head"`), or names of layers, where `*` stands for any text (`"block_1*"`).
 * @returns the names of the layers frozen by this call.
 * @throws {InvalidArgumentError} model is no LayersModel, or a part names no layer; nothing is frozen then.
 * @see Howard and Ruder, ACL 2018, arXiv:1801.06146, who thaw a network from its end.
 * @example freezeLayers(model, [0, 1, "stride 8"]);
 */
export function freezeLayers(model: LayersModel, parts: readonly ModelPart[]): string[] {
  const caller = "freezeLayers";
  if (!Array.isArray(model?.layers)) throw new InvalidArgumentError(`${caller}: model must be a tfjs LayersModel.`);
  if (!Array.isArray(parts))
    throw new InvalidArgumentError(`${caller}: parts must be a list of indices and names; got ${typeof parts}.`);
  const chosen = new Set(parts.flatMap((part) => selectLayers(caller, model, part)));
  const frozen = model.layers.filter((layer) => chosen.has(layer) && layer.trainable);
  for (const layer of frozen) {
    layer.trainable = false;
    inferWhileFrozen(layer);
  }
  return frozen.map(({ name }) => name);
}
