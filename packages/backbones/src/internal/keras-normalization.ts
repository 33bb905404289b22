import type { layers } from "@tensorflow/tfjs-layers";
import { IMAGENET_DEVIATION, IMAGENET_MEAN } from "./imagenet-normalization.js";
import type { LayerWeights, SourceTensor } from "./layer-weights.js";

/** Keras divides by at least this. */
const EPSILON = 1e-7;
/** How near to ImageNet's figures a file's must lie to be taken for them. */
const TOLERANCE = 1e-4;

/** Whether Keras' Normalization (mean, variance, count) stands where this package has a 1×1 depthwise convolution. */
export function isNormalization(layer: layers.Layer, { tensors }: LayerWeights): boolean {
  if (layer.getClassName() !== "DepthwiseConv2D" || tensors.length < 2 || tensors.length > 3) return false;
  const [mean, variance] = tensors;
  return mean!.shape.length === 1 && variance!.shape.length === 1 && layer.weights.length === 2;
}

const isNear = (values: Float32Array, wanted: readonly number[]) =>
  values.length === wanted.length && wanted.every((value, i) => Math.abs(values[i]! - value) < TOLERANCE);

/**
 * (x − mean) / √variance as kernel · x + bias.
 *
 * The files that Keras publishes for EfficientNet with ImageNet's weights hold its standard deviations in the variance's place;
 * Keras then adds a layer that divides by their roots once more, which no file holds. So does this: (x − mean) / deviation.
 */
export function toAffine({ tensors }: LayerWeights): SourceTensor[] {
  const [first, second] = tensors as [SourceTensor, SourceTensor];
  const mean = tensors.find(({ name }) => name === "mean") ?? first;
  const variance = tensors.find(({ name }) => name === "variance") ?? second;
  const channels = mean.shape[0]!;
  const scales = () => {
    const values = variance.read();
    const isPublished = isNear(values, IMAGENET_DEVIATION) && isNear(mean.read(), IMAGENET_MEAN);
    return values.map((value) => 1 / (isPublished ? value : Math.max(Math.sqrt(value), EPSILON)));
  };
  return [
    { name: "kernel", path: variance.path, shape: [1, 1, channels, 1], read: scales },
    {
      name: "bias",
      path: mean.path,
      shape: [channels],
      read: () => {
        const scale = scales();
        return mean.read().map((value, c) => -value * scale[c]!);
      },
    },
  ];
}
