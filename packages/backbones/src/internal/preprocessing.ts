import { tensor1d, tensor4d } from "@tensorflow/tfjs-core";
import { layers, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import type { BackbonePreset } from "../backbone-preset.js";

type Preprocess = BackbonePreset["preprocess"];

/** Keras' mode "tf". */
export const MINUS_ONE_TO_ONE: Preprocess = { scale: 1 / 127.5, offset: -1 };

const MEAN = [0.485, 0.456, 0.406];
const DEVIATION = [0.229, 0.224, 0.225];
/** Keras' mode "torch": ImageNet's mean 0 and deviation 1. */
export const IMAGENET: Preprocess = {
  scale: DEVIATION.map((value) => 1 / (255 * value)),
  offset: DEVIATION.map((value, c) => -MEAN[c]! / value),
};
/** Keras' mode "caffe": blue first, ImageNet's mean 0. */
export const CAFFE: Preprocess = { scale: 1, offset: [-103.939, -116.779, -123.68], order: "bgr" };

/** Pixels 0–255 to a backbone's input, by layers that plain tfjs has. */
export function preprocessing(images: SymbolicTensor, { scale, offset, order }: Preprocess): SymbolicTensor {
  if (scale === 1 && offset === 0 && order === undefined) return images;
  const name = "preprocess";
  if (typeof scale === "number" && typeof offset === "number" && order === undefined) {
    return layers.rescaling({ name, scale, offset }).apply(images) as SymbolicTensor;
  }
  const layer = layers.conv2d({ name, filters: 3, kernelSize: 1, trainable: false, kernelInitializer: "zeros" });
  const result = layer.apply(images) as SymbolicTensor;
  const at = (value: number | readonly number[], c: number) => (typeof value === "number" ? value : value[c]!);
  const matrix = new Float32Array(9);
  for (let c = 0; c < 3; c++) matrix[(order === "bgr" ? 2 - c : c) * 3 + c] = at(scale, c);
  const [kernel, bias] = [tensor4d(matrix, [1, 1, 3, 3]), tensor1d([0, 1, 2].map((c) => at(offset, c)))];
  layer.setWeights([kernel, bias]);
  kernel.dispose();
  bias.dispose();
  return result;
}
