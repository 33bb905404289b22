import { tensor1d, tensor4d } from "@tensorflow/tfjs-core";
import { layers, type SymbolicTensor } from "@tensorflow/tfjs-layers";

const MEAN = [0.485, 0.456, 0.406];
const VARIANCE = [0.229 ** 2, 0.224 ** 2, 0.225 ** 2];

/** (x − mean) / √variance of ImageNet, per channel, as a frozen 1×1 depthwise convolution, which plain tfjs can load. */
export function imagenetNormalization(x: SymbolicTensor): SymbolicTensor {
  const layer = layers.depthwiseConv2d({
    name: "normalization",
    kernelSize: 1,
    useBias: true,
    trainable: false,
  });
  const result = layer.apply(x) as SymbolicTensor;
  const kernel = tensor4d(
    VARIANCE.map((value) => 1 / Math.sqrt(value)),
    [1, 1, 3, 1],
  );
  const bias = tensor1d(MEAN.map((value, c) => -value / Math.sqrt(VARIANCE[c]!)));
  layer.setWeights([kernel, bias]);
  kernel.dispose();
  bias.dispose();
  return result;
}
