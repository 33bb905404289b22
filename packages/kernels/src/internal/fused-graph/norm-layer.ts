import { engine, mul, ones, sub, type Tensor, tidy, zeros } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { FusedActivation } from "../../fused-activation.js";
import { fusedBatchNormActivation } from "../../fused-batch-norm-activation.js";
import { hasTensorFlowKernels, tensorFlowMovingAverage } from "../../tensorflow/norm-kernels.js";
import { MOVING_AVERAGE as GPU_MOVING_AVERAGE } from "../../webgpu/kernel-names.js";
import { currentWebGpuRuntime } from "../current-webgpu-runtime.js";
import { SharedWeightsLayer, single } from "./shared-weights-layer.js";
import { isFrozen, type NormLayer, type Weight } from "./tfjs-layers.js";

/** A BatchNormalization with the activation behind it. */
export const normLayer = (layer: NormLayer, activation: FusedActivation, model: LayersModel): SharedWeightsLayer =>
  // While frozen it infers in training too, as in Keras.
  SharedWeightsLayer.of(layer, (inputs, { training }) =>
    tidy(() => normalize(layer, single(inputs), activation, training && !isFrozen(layer, model))),
  );

/** γ and β, or constants for what the layer lacks. tfjs' own layer trains only with both. */
export function factorsOf({ gamma, beta, movingMean }: NormLayer): { gamma: Tensor; beta: Tensor } {
  const { shape } = movingMean.read();
  return { gamma: gamma?.read() ?? ones(shape), beta: beta?.read() ?? zeros(shape) };
}

/** The normalisation of a map and the activation behind it, moving statistics included. */
export function normalize(
  layer: NormLayer,
  x: Tensor,
  activation: FusedActivation,
  training: boolean | undefined,
): Tensor {
  const { epsilon, momentum } = layer;
  const { gamma, beta } = factorsOf(layer);
  if (!training) {
    const moments = { mean: layer.movingMean.read(), variance: layer.movingVariance.read() };
    return fusedBatchNormActivation(x, gamma, beta, { epsilon, activation, moments }).y;
  }
  const average = (weight: Weight, value: Tensor) => weight.write(averageOf(weight.read(), value, momentum));
  const { y, mean, variance } = fusedBatchNormActivation(x, gamma, beta, { epsilon, activation });
  average(layer.movingMean, mean);
  average(layer.movingVariance, variance);
  return y;
}

/** moving + (value − moving) · (1 − momentum) */
function averageOf(moving: Tensor, value: Tensor, momentum: number): Tensor {
  if (hasTensorFlowKernels()) return tensorFlowMovingAverage(moving, value, momentum);
  if (currentWebGpuRuntime()) return engine().runKernel(GPU_MOVING_AVERAGE, { moving, value }, { momentum }) as Tensor;
  return tidy(() => sub(moving, mul(sub(moving, value), 1 - momentum)));
}
