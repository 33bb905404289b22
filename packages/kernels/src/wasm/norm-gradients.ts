import {
  add,
  cast,
  clipByValue,
  div,
  engine,
  type GradConfig,
  greater,
  less,
  mul,
  onesLike,
  rsqrt,
  sigmoid,
  sub,
  sum,
  type Tensor,
  tidy,
} from "@tensorflow/tfjs-core";
import type { FusedActivation } from "../fused-activation.js";
import { NORM_INFERENCE, NORM_TRAINING, NORM_TRAINING_GRADIENT, type NormAttributes } from "./norm-kernels.js";

/** Slopes of the fused activations, 0 at corners. */
const SLOPES: Record<FusedActivation, (x: Tensor) => Tensor> = {
  linear: onesLike,
  relu: (x) => cast(greater(x, 0), "float32"),
  relu6: (x) => mul(cast(greater(x, 0), "float32"), cast(less(x, 6), "float32")),
  sigmoid: (x) => mul(sigmoid(x), sub(1, sigmoid(x))),
  swish: (x) => mul(sigmoid(x), add(1, mul(x, sub(1, sigmoid(x))))),
  hardSwish: (x) => {
    const isSlanted = mul(cast(greater(x, -3), "float32"), cast(less(x, 3), "float32"));
    return div(add(clipByValue(add(x, 3), 0, 6), mul(x, isSlanted)), 6);
  },
};

/** Gradients of the normalisation kernels, for tfjs' registry. */
export const normGradients: GradConfig[] = [
  {
    kernelName: NORM_TRAINING,
    inputsToSave: ["x", "gamma", "beta"],
    outputsToSave: [false, true, true],
    gradFunc: (dy: Tensor | Tensor[], saved: Tensor[], attrs) => {
      const [x, gamma, beta, mean, variance] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor];
      const inputs = { x, gamma, beta, mean, variance, dy: (dy as Tensor[])[0]! };
      const [dx, dGamma, dBeta] = engine().runKernel(NORM_TRAINING_GRADIENT, inputs, attrs) as unknown as [
        Tensor,
        Tensor,
        Tensor,
      ];
      return { x: () => dx, gamma: () => dGamma, beta: () => dBeta };
    },
  },
  {
    // Of frozen layers, which are few: composed. Mean and variance are constants there.
    kernelName: NORM_INFERENCE,
    inputsToSave: ["x", "gamma", "beta", "mean", "variance"],
    gradFunc: (dy: Tensor | Tensor[], saved: Tensor[], attrs) => {
      const [x, gamma, beta, mean, variance] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor];
      const { epsilon, activation } = attrs as unknown as NormAttributes;
      const deviation = () => rsqrt(add(variance, epsilon));
      const normal = () => mul(sub(x, mean), deviation());
      /** The gradient behind the activation. */
      const behind = () => mul(dy as Tensor, SLOPES[activation](add(mul(normal(), gamma), beta)));
      const axes = x.shape.slice(1).map((_, axis) => axis);
      return {
        x: () => tidy(() => mul(behind(), mul(gamma, deviation()))),
        gamma: () => tidy(() => sum(mul(behind(), normal()), axes)),
        beta: () => tidy(() => sum(behind(), axes)),
      };
    },
  },
];
