import { add, clipByValue, div, mul, relu, sigmoid, type Tensor } from "@tensorflow/tfjs-core";

/** Activations that run inside the batch normalisation kernel; `hardSwish` is x · relu6(x + 3) / 6. */
export type FusedActivation = "linear" | "relu" | "relu6" | "swish" | "sigmoid" | "hardSwish";

/** Their numbers in assembly/batch-norm.ts. */
export const ACTIVATION_CODES: Record<FusedActivation, number> = {
  linear: 0,
  relu: 1,
  relu6: 2,
  swish: 3,
  sigmoid: 4,
  hardSwish: 5,
};

/** The same activations composed of tfjs operations, for every backend. */
export const COMPOSED_ACTIVATIONS: Record<FusedActivation, (x: Tensor) => Tensor> = {
  linear: (x) => x,
  relu: (x) => relu(x),
  relu6: (x) => clipByValue(x, 0, 6),
  swish: (x) => mul(x, sigmoid(x)),
  sigmoid: (x) => sigmoid(x),
  hardSwish: (x) => div(mul(x, clipByValue(add(x, 3), 0, 6)), 6),
};
