import { InvalidArgumentError } from "@acr/core";
import {
  add,
  engine,
  mean as meanOf,
  mul,
  reshape,
  rsqrt,
  square,
  sub,
  type Tensor,
  type Tensor1D,
  tidy,
} from "@tensorflow/tfjs-core";
import { COMPOSED_ACTIVATIONS, type FusedActivation } from "./fused-activation.js";
import { currentWasmRuntime } from "./internal/current-wasm-runtime.js";
import { currentWebGpuRuntime } from "./internal/current-webgpu-runtime.js";
import {
  hasTensorFlowActivation,
  hasTensorFlowKernels,
  tensorFlowActivation,
  tensorFlowNorm,
  tensorFlowNormWith,
} from "./tensorflow/norm-kernels.js";
import { NORM_INFERENCE, NORM_TRAINING } from "./wasm/norm-kernels.js";
import { NORM as GPU_NORM, NORM_INFERENCE as GPU_NORM_INFERENCE } from "./webgpu/kernel-names.js";

/** Options of `fusedBatchNormActivation`. */
export interface FusedBatchNormOptions {
  /** Added to the variance, > 0. Default 1e-3. */
  epsilon?: number;
  /** Applied to the result. Default `"linear"`. */
  activation?: FusedActivation;
  /** Moments to normalise with (inference). Absent: those of the batch (training). */
  moments?: { mean: Tensor; variance: Tensor };
}

/**
 * Batch normalisation over all axes but the last, and the activation behind it, in one pass (Ioffe and Szegedy 2015,
 * arXiv:1502.03167):
 *
 *   y = activation(γ · (x − mean) / √(variance + ε) + β)
 *
 * Fused with registered kernels on `wasm` where C is a multiple of 4, on `tensorflow` and on `webgpu`, composed of tfjs
 * operations elsewhere; all differentiable in x, γ and β. At the corners of relu and relu6 the gradient is 0.
 *
 * @param x - `[…, C]` float32.  @param gamma - `[C]`.  @param beta - `[C]`.
 * @returns `y` as x, and the `mean` and population `variance` used, `[C]`. Owned by the caller.
 * @throws {InvalidArgumentError} an unknown activation.
 * @example const { y } = fusedBatchNormActivation(x, gamma, beta, { activation: "relu6" });
 */
export function fusedBatchNormActivation(
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  { epsilon = 1e-3, activation = "linear", moments }: FusedBatchNormOptions = {},
): { y: Tensor; mean: Tensor1D; variance: Tensor1D } {
  if (!Object.hasOwn(COMPOSED_ACTIVATIONS, activation)) {
    throw new InvalidArgumentError(
      `fusedBatchNormActivation: activation must be one of ${Object.keys(COMPOSED_ACTIVATIONS).join(", ")}; got ${activation}.`,
    );
  }
  const fused = currentWasmRuntime() !== undefined && x.shape.at(-1)! % 4 === 0;
  if (fused && moments) {
    const { mean, variance } = moments;
    const inputs = { x, gamma, beta, mean, variance };
    const y = engine().runKernel(NORM_INFERENCE, inputs, { epsilon, activation }) as Tensor;
    return { y, mean: mean as Tensor1D, variance: variance as Tensor1D };
  }
  if (fused) {
    const [y, mean, variance] = engine().runKernel(
      NORM_TRAINING,
      { x, gamma, beta },
      { epsilon, activation },
    ) as unknown as Tensor[];
    return { y: y!, mean: mean as Tensor1D, variance: variance as Tensor1D };
  }
  if (hasTensorFlowKernels() && x.dtype === "float32" && x.size > 0) {
    return tidy(() => {
      const channels = x.shape.at(-1)!;
      const map = x.rank === 4 ? x : reshape(x, [-1, 1, 1, channels]);
      const [z, mean, variance] = moments
        ? [tensorFlowNormWith(map, { gamma, beta, ...moments }, epsilon), moments.mean, moments.variance]
        : (tensorFlowNorm(map, gamma, beta, epsilon) as [Tensor, Tensor, Tensor]);
      const y = hasTensorFlowActivation(activation)
        ? tensorFlowActivation(z, activation)
        : COMPOSED_ACTIVATIONS[activation](z);
      return {
        y: x.rank === 4 ? y : reshape(y, x.shape),
        mean: mean as Tensor1D,
        variance: variance as Tensor1D,
      };
    });
  }
  if (currentWebGpuRuntime() && x.dtype === "float32" && x.size > 0) {
    const run = (name: string, inputs: Record<string, Tensor>) =>
      engine().runKernel(name, inputs as never, { epsilon, activation } as never) as unknown as Tensor[];
    // The last output is for the gradient alone.
    if (moments) {
      const [y, norm] = run(GPU_NORM_INFERENCE, { x, gamma, beta, ...moments });
      norm!.dispose();
      return { y: y!, mean: moments.mean as Tensor1D, variance: moments.variance as Tensor1D };
    }
    const [y, mean, variance, norm] = run(GPU_NORM, { x, gamma, beta });
    norm!.dispose();
    return { y: y!, mean: mean as Tensor1D, variance: variance as Tensor1D };
  }
  return tidy(() => {
    const axes = x.shape.map((_, axis) => axis).slice(0, -1);
    const mean = moments?.mean ?? meanOf(x, axes);
    const variance = moments?.variance ?? meanOf(square(sub(x, mean)), axes);
    const normal = mul(sub(x, mean), rsqrt(add(variance, epsilon)));
    return {
      y: COMPOSED_ACTIVATIONS[activation](add(mul(normal, gamma), beta)),
      mean: mean as Tensor1D,
      variance: variance as Tensor1D,
    };
  });
}
