import type { layers } from "@tensorflow/tfjs-layers";
import type { KerasLayerWeights, KerasTensor } from "./keras-layer-weights.js";

/** Keras divides by at least this. */
const EPSILON = 1e-7;

/** Whether Keras' Normalization (mean, variance, count) stands where this package has a 1×1 depthwise convolution. */
export function isNormalization(layer: layers.Layer, { tensors }: KerasLayerWeights): boolean {
  if (layer.getClassName() !== "DepthwiseConv2D" || tensors.length < 2 || tensors.length > 3) return false;
  const [mean, variance] = tensors;
  return mean!.shape.length === 1 && variance!.shape.length === 1 && layer.weights.length === 2;
}

/** (x − mean) / √variance as kernel · x + bias. */
export function toAffine({ tensors }: KerasLayerWeights): KerasTensor[] {
  const [first, second] = tensors as [KerasTensor, KerasTensor];
  const mean = tensors.find(({ name }) => name === "mean") ?? first;
  const variance = tensors.find(({ name }) => name === "variance") ?? second;
  const channels = mean.shape[0]!;
  const scales = () => variance.read().map((value) => 1 / Math.max(Math.sqrt(value), EPSILON));
  return [
    { name: "kernel", shape: [1, 1, channels, 1], read: scales },
    {
      name: "bias",
      shape: [channels],
      read: () => {
        const scale = scales();
        return mean.read().map((value, c) => -value * scale[c]!);
      },
    },
  ];
}
