import { type TensorInfo, util } from "@tensorflow/tfjs-core";
import { ACTIVATION_CODES, type FusedActivation } from "../fused-activation.js";
import type { WasmRuntime } from "./wasm-runtime.js";

/** Names of the kernels that this package adds to tfjs' registry. */
export const NORM_TRAINING = "AcrBatchNormTraining";
export const NORM_TRAINING_GRADIENT = "AcrBatchNormTrainingGradient";
export const NORM_INFERENCE = "AcrBatchNormInference";

/** Attributes of the three kernels. */
export interface NormAttributes {
  epsilon: number;
  activation: FusedActivation;
}

type NormCall = { inputs: Record<string, TensorInfo>; attrs: NormAttributes };

/** Batch normalisation with its activation: training forward, its gradient, inference. */
export function normKernels(runtime: WasmRuntime): Record<string, (call: NormCall) => TensorInfo | TensorInfo[]> {
  const { exports, threads } = runtime;
  const sizes = (x: TensorInfo) => {
    const C = x.shape.at(-1)!;
    return { C, M: util.sizeFromShape(x.shape) / C };
  };
  const at = (tensor: TensorInfo | undefined) => runtime.address(tensor!);
  return {
    [NORM_TRAINING]: ({ inputs, attrs: { epsilon, activation } }) => {
      const x = inputs.x!;
      const { C, M } = sizes(x);
      const y = runtime.output(x.shape);
      const mean = runtime.output([C]);
      const variance = runtime.output([C]);
      const sumBytes = exports.sumsSize(C, threads);
      const sums = runtime.scratch(sumBytes + C * 8);
      const factors = sums + sumBytes;
      runtime.run("normSums", at(x), M, C, sums);
      exports.normMoments(sums, threads, M, C, at(mean), at(variance));
      exports.normFactors(at(inputs.gamma), at(inputs.beta), at(mean), at(variance), epsilon, C, factors);
      runtime.run("normApply", at(x), at(y), M, C, factors, ACTIVATION_CODES[activation], 0);
      return [y, mean, variance];
    },
    [NORM_TRAINING_GRADIENT]: ({ inputs, attrs: { epsilon, activation } }) => {
      const { x, dy, gamma, beta, mean, variance } = inputs;
      const { C, M } = sizes(x!);
      const dx = runtime.output(x!.shape);
      const dGamma = runtime.output([C]);
      const dBeta = runtime.output([C]);
      const sumBytes = exports.sumsSize(C, threads);
      const sums = runtime.scratch(sumBytes + C * 28);
      const factors = sums + sumBytes;
      const gradientFactors = factors + C * 8;
      const merged = gradientFactors + C * 12;
      const moments = [at(mean), at(variance)];
      exports.normFactors(at(gamma), at(beta), ...moments, epsilon, C, factors);
      // dx holds g, the gradient behind the activation, until its sums are known.
      runtime.run(
        "normGradientSums",
        at(x),
        at(dy),
        at(dx),
        at(mean),
        M,
        C,
        factors,
        ACTIVATION_CODES[activation],
        sums,
      );
      exports.normMergeSums(sums, threads, C, merged);
      exports.normGradientFactors(merged, M, C, at(gamma), ...moments, epsilon, at(dGamma), at(dBeta), gradientFactors);
      runtime.run("normGradient", at(x), at(dx), at(dx), M, C, gradientFactors);
      return [dx, dGamma, dBeta];
    },
    [NORM_INFERENCE]: ({ inputs, attrs: { epsilon, activation } }) => {
      const { x, gamma, beta, mean, variance } = inputs;
      const { C, M } = sizes(x!);
      const y = runtime.output(x!.shape);
      const factors = runtime.scratch(C * 8);
      exports.normFactors(at(gamma), at(beta), at(mean), at(variance), epsilon, C, factors);
      runtime.run("normApply", at(x), at(y), M, C, factors, ACTIVATION_CODES[activation], 0);
      return y;
    },
  };
}
