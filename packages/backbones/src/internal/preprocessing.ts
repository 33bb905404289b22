import { InvalidArgumentError } from "@acr/core";
import { tensor1d, tensor4d } from "@tensorflow/tfjs-core";
import { layers, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import type { BackbonePreset } from "../backbone-preset.js";
import { IMAGENET_DEVIATION, IMAGENET_MEAN } from "./imagenet-normalization.js";

type Preprocess = BackbonePreset["preprocess"];

/** Keras' mode "tf". */
export const MINUS_ONE_TO_ONE: Preprocess = { scale: 1 / 127.5, offset: -1 };

/** Keras' mode "torch": ImageNet's mean 0 and deviation 1. */
export const IMAGENET: Preprocess = {
  scale: IMAGENET_DEVIATION.map((value) => 1 / (255 * value)),
  offset: IMAGENET_DEVIATION.map((value, c) => -IMAGENET_MEAN[c]! / value),
};
/** Keras' mode "caffe": blue first, ImageNet's mean 0. */
export const CAFFE: Preprocess = { scale: 1, offset: [-103.939, -116.779, -123.68], order: "bgr" };

const NAMED = { "minus-one-to-one": MINUS_ONE_TO_ONE, imagenet: IMAGENET } as const;

/** The numbers of a preprocessing that callers may name. */
export const namedPreprocess = (value: keyof typeof NAMED | Preprocess): Preprocess =>
  typeof value === "string" ? NAMED[value] : value;

/** @throws {InvalidArgumentError} neither a known name nor finite numbers. */
export function checkPreprocess(caller: string, value: unknown): void {
  if (value === undefined || (typeof value === "string" && Object.hasOwn(NAMED, value))) return;
  const { scale, offset, order } = (value ?? {}) as Record<string, unknown>;
  const isRight = (part: unknown) =>
    Array.isArray(part) ? part.length === 3 && part.every(Number.isFinite) : Number.isFinite(part);
  if (isRight(scale) && isRight(offset) && (order === undefined || order === "bgr")) return;
  throw new InvalidArgumentError(
    `${caller}: preprocess must be ${Object.keys(NAMED)
      .map((name) => `"${name}"`)
      .join(", ")} or { scale, offset } of finite numbers or lists of 3; got ${JSON.stringify(value)}.`,
  );
}

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
