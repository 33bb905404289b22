import type { Tensor, Variable } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";

/** The trainable variables of a model, and all its weights by a name that is unique and the same in every process. */
export function modelVariables(model: LayersModel): { trainable: Variable[]; all: Map<string, Variable> } {
  const variable = (weight: { read(): Tensor }) => weight.read() as Variable;
  return {
    trainable: model.trainableWeights.map(variable),
    all: new Map(model.weights.map((weight, i) => [`${i}:${weight.originalName}`, variable(weight)])),
  };
}
