import { tensor1d, zeros } from "@tensorflow/tfjs-core";
import { layers, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import { cellGrid } from "./cell-grid.js";
import { constantDense } from "./constant-dense.js";

/** Coordinates are multiplied by this, so that weights of the order of 1 draw landmark-sized Gaussians. */
const SCALE = 10;
const CHANNELS = 4;

/**
 * Appends to a map where its cells lie: channels 10·x, 10·y, 100·x², 100·y² (`centered`). A 1×1 convolution behind it can
 * then draw any Gaussian, and prefer places (Liu et al., NeurIPS 2018, arXiv:1807.03247).
 *
 * A constant has no input, and layers need one: the channels are the bias of a frozen Dense layer on a pooled map times 0.
 */
export function coordinateChannels(x: SymbolicTensor, name: string): SymbolicTensor {
  const [height, width, channels] = x.shape.slice(1) as [number, number, number];
  let y = layers.globalAveragePooling2d({ name: `${name}_pool` }).apply(x) as SymbolicTensor;
  y = constantDense(
    y,
    `${name}_zero`,
    Array.from({ length: channels }, () => [0]),
  );
  const values = cellGrid(height, width).flatMap((place) => {
    const [a, b] = place.map((value) => SCALE * value) as [number, number];
    return [a, b, a * a, b * b];
  });
  const dense = layers.dense({ name, units: values.length, trainable: false, kernelInitializer: "zeros" });
  y = dense.apply(y) as SymbolicTensor;
  const [kernel, bias] = [zeros([1, values.length]), tensor1d(values)];
  dense.setWeights([kernel, bias]);
  kernel.dispose();
  bias.dispose();
  y = layers.reshape({ name: `${name}_map`, targetShape: [height, width, CHANNELS] }).apply(y) as SymbolicTensor;
  return layers.concatenate({ name: `${name}_joined`, axis: -1 }).apply([x, y]) as SymbolicTensor;
}

/**
 * Weights with which a 1×1 convolution turns the four channels into the logarithm of a Gaussian, but for a constant:
 * −((x − μ)² + (y − ν)²) / 2σ².
 */
export function gaussianWeights([x, y]: readonly [number, number], sigma: number): [number, number, number, number] {
  const [linear, quadratic] = [1 / (SCALE * sigma ** 2), -1 / (2 * (SCALE * sigma) ** 2)];
  return [x * linear, y * linear, quadratic, quadratic];
}
