import { tensor1d, tensor4d } from "@tensorflow/tfjs-core";
import { layers, type SymbolicTensor } from "@tensorflow/tfjs-layers";

/** Of ImageNet's pixels in 0 … 1: red, green, blue. */
export const IMAGENET_MEAN = [0.485, 0.456, 0.406];
export const IMAGENET_DEVIATION = [0.229, 0.224, 0.225];

/** (x − mean) / deviation of ImageNet, per channel, as a frozen 1×1 depthwise convolution, which plain tfjs can load. */
export function imagenetNormalization(x: SymbolicTensor): SymbolicTensor {
  const layer = layers.depthwiseConv2d({
    name: "normalization",
    kernelSize: 1,
    useBias: true,
    trainable: false,
  });
  const result = layer.apply(x) as SymbolicTensor;
  const kernel = tensor4d(
    IMAGENET_DEVIATION.map((value) => 1 / value),
    [1, 1, 3, 1],
  );
  const bias = tensor1d(IMAGENET_MEAN.map((value, c) => -value / IMAGENET_DEVIATION[c]!));
  layer.setWeights([kernel, bias]);
  kernel.dispose();
  bias.dispose();
  return result;
}
