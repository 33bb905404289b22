import { InvalidArgumentError } from "@acr/core";
import type { Tensor } from "@tensorflow/tfjs-core";
import type { LayersModel, layers } from "@tensorflow/tfjs-layers";
import { snakeCase } from "./snake-case.js";

/** One array as Keras stores it. */
export interface SavedArray {
  shape: number[];
  data: Float32Array | BigInt64Array;
}

/** One layer as a Keras 3 weights file holds it. */
export interface SavedLayer {
  /** `conv2d`, `conv2d_1`, …: numbered within the class, in the model's order. */
  group: string;
  name: string;
  arrays: SavedArray[];
}

/**
 * Whether this layer does the work of Keras' Normalization. By its make, not only by its name: a convolution that users
 * called so would lose its kernel's sign.
 */
export function isNormalizationLayer(layer: layers.Layer): boolean {
  if (layer.name !== "normalization" || layer.getClassName() !== "DepthwiseConv2D" || layer.weights.length !== 2)
    return false;
  const [height, width, , multiplier] = layer.weights[0]!.shape;
  return height === 1 && width === 1 && multiplier === 1;
}

/** The class a layer has in Keras. */
export const kerasClassOf = (layer: layers.Layer): string =>
  isNormalizationLayer(layer) ? "Normalization" : layer.getClassName();

/**
 * All layers of a model with copies of their weights, grouped and numbered as Keras does.
 *
 * @throws {InvalidArgumentError} a weight is not finite: such a file would be refused when read.
 */
export function savedLayers(caller: string, model: LayersModel): SavedLayer[] {
  const counts = new Map<string, number>();
  return model.layers.map((layer) => {
    const kind = snakeCase(kerasClassOf(layer));
    const count = counts.get(kind) ?? 0;
    counts.set(kind, count + 1);
    const arrays = layer.getWeights().map((value: Tensor, i: number): SavedArray => {
      const data = Float32Array.from(value.dataSync());
      if (!data.every(Number.isFinite)) {
        throw new InvalidArgumentError(
          `${caller}: weights must be finite; got others in ${layer.weights[i]!.originalName} of ${layer.name}.`,
        );
      }
      return { shape: value.shape, data };
    });
    return {
      group: count === 0 ? kind : `${kind}_${count}`,
      name: layer.name,
      arrays: isNormalizationLayer(layer) ? normalizationArrays(arrays) : arrays,
    };
  });
}

/** kernel · x + bias as (x − mean) / √variance, with Keras' count of pictures, which is not known. */
function normalizationArrays([kernel, bias]: SavedArray[]): SavedArray[] {
  const [scale, offset] = [kernel!.data as Float32Array, bias!.data as Float32Array];
  const shape = [scale.length];
  return [
    { shape, data: offset.map((value, c) => -value / scale[c]!) },
    { shape, data: scale.map((value) => 1 / value ** 2) },
    { shape: [], data: BigInt64Array.of(0n) },
  ];
}
