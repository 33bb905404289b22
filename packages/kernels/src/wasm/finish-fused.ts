import { BackendError } from "@acr/core";
import { add, clipByValue, elu, leakyRelu, prelu, relu, sigmoid, type Tensor } from "@tensorflow/tfjs-core";

/** What tfjs' fused operations do behind their product. */
export interface Finish {
  bias?: Tensor | undefined;
  activation?: string;
  preluActivationWeights?: Tensor | undefined;
  leakyreluAlpha?: number;
}

const ACTIVATIONS: Record<string, (y: Tensor, finish: Finish) => Tensor> = {
  linear: (y) => y,
  relu: (y) => relu(y),
  relu6: (y) => clipByValue(y, 0, 6),
  sigmoid: (y) => sigmoid(y),
  elu: (y) => elu(y),
  leakyrelu: (y, { leakyreluAlpha = 0.2 }) => leakyRelu(y, leakyreluAlpha),
  prelu: (y, { preluActivationWeights }) => prelu(y, preluActivationWeights!),
};

/**
 * activation(z + bias), composed of tfjs operations, for cases that no fused kernel computes.
 *
 * @throws {BackendError} an activation that tfjs' fused operations do not have.
 */
export function finishFused(z: Tensor, finish: Finish): Tensor {
  const { bias, activation = "linear" } = finish;
  if (!Object.hasOwn(ACTIVATIONS, activation)) {
    throw new BackendError(
      `wasm: activation of a fused operation must be one of ${Object.keys(ACTIVATIONS).join(", ")}; got ${activation}. Apply it behind the operation.`,
    );
  }
  return ACTIVATIONS[activation]!(bias ? add(z, bias) : z, finish);
}
