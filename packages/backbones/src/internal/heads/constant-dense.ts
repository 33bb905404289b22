import { type Tensor2D, tensor2d } from "@tensorflow/tfjs-core";
import { layers, type SymbolicTensor } from "@tensorflow/tfjs-layers";

/** A product with a fixed matrix, as a frozen Dense layer, which plain tfjs can load. */
export function constantDense(x: SymbolicTensor, name: string, matrix: readonly (readonly number[])[]): SymbolicTensor {
  const units = matrix[0]!.length;
  const layer = layers.dense({ name, units, useBias: false, trainable: false, kernelInitializer: "zeros" });
  const result = layer.apply(x) as SymbolicTensor;
  const kernel: Tensor2D = tensor2d(matrix.flat(), [matrix.length, units]);
  layer.setWeights([kernel]);
  kernel.dispose();
  return result;
}
