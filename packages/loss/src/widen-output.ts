import { InvalidArgumentError } from "@acr/core";
import { model as createModel, type LayersModel, layers, type SymbolicTensor } from "@tensorflow/tfjs-layers";

/**
 * A second model on the same layers and weights whose output is repeated, so that it is as wide as packed targets:
 * `model.fit` refuses targets whose shape differs from the output's. Train the second, use the first.
 *
 * @param model - one output, `[B, K, 2]` or `[B, 2K]`.
 * @param blocks - width of the targets over that of the output: 2 for Φ, 3 for Φ and weights. Default 2.
 * @returns a model with output `[B, blocks · 2K]`. It shares the weights: dispose of only one of the two.
 * @throws {InvalidArgumentError} more than one output, an output of unknown size, or blocks other than 2 and 3.
 * @example
 * const training = widenOutput(model);
 * training.compile({ optimizer: "adam", loss: toLayersLoss(acrLoss, { landmarkCount: 98 }) });
 * await training.fit(x, packTargets(y, difficulty));
 */
export function widenOutput(model: LayersModel, blocks: 2 | 3 = 2): LayersModel {
  if (blocks !== 2 && blocks !== 3)
    throw new InvalidArgumentError(`widenOutput: blocks must be 2 or 3; got ${String(blocks)}.`);
  if (model?.outputs?.length !== 1)
    throw new InvalidArgumentError(`widenOutput: model must have one output; got ${model?.outputs?.length ?? "none"}.`);
  const output = model.outputs[0]!;
  const sizes = output.shape.slice(1);
  if (!sizes.every((size): size is number => typeof size === "number"))
    throw new InvalidArgumentError(`widenOutput: the output's size must be known; got [${output.shape.join(", ")}].`);
  const flat =
    sizes.length === 1
      ? output
      : (layers.reshape({ targetShape: [sizes.reduce((a, b) => a * b, 1)] }).apply(output) as SymbolicTensor);
  const wide = layers.concatenate({ axis: -1 }).apply(new Array<SymbolicTensor>(blocks).fill(flat)) as SymbolicTensor;
  return createModel({ inputs: model.inputs, outputs: wide });
}
