/**
 * MobileNetV2: M. Sandler, A. Howard, M. Zhu, A. Zhmoginov, L.-C. Chen, "MobileNetV2: Inverted Residuals and Linear
 * Bottlenecks", CVPR 2018, arXiv:1801.04381. Topology, layer names and padding as in Keras Applications, so that its
 * weights fit. No weights are shipped.
 */
import { initializers, input, type LayersModel, layers, model, type SymbolicTensor } from "@tensorflow/tfjs-layers";

/** Expansion, output channels, blocks and stride of each stage (Table 2 of the paper). */
const STAGES: readonly (readonly [number, number, number, number])[] = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
];
const EPSILON = 1e-3;

/** Nearest multiple of 8 that is not more than a tenth below the wanted number of channels. */
function roundChannels(channels: number): number {
  const rounded = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}

/** Padding in front of a stride-2 convolution that puts its grid where TensorFlow's "same" would. */
function stridePadding(size: number): [[number, number], [number, number]] {
  const before = size % 2 === 0 ? 0 : 1;
  return [[before, 1], [before, 1]];
}

/** Options of the builder. */
export interface MobileNetV2Options {
  /** Width multiplier α. */
  width: number;
  /** Side of the square input. */
  inputSize: number;
  /** Seed of the weights. */
  seed: number;
  /** Momentum of the moving statistics; Keras Applications has 0.999. */
  batchNormMomentum: number;
}

/** Builds the feature extractor: input `[H, W, 3]` in [−1, 1], output `[H/32, W/32, C]`. */
export function mobilenetV2({ width, inputSize, seed, batchNormMomentum }: MobileNetV2Options): LayersModel {
  let weightSeed = seed * 1000;
  const initializer = () => initializers.varianceScaling({ scale: 2, mode: "fanOut", distribution: "truncatedNormal", seed: ++weightSeed });
  const depthwiseInitializer = () => initializers.varianceScaling({ scale: 2, mode: "fanIn", distribution: "truncatedNormal", seed: ++weightSeed });
  const apply = (layer: layers.Layer, x: SymbolicTensor | SymbolicTensor[]) => layer.apply(x) as SymbolicTensor;
  const norm = (x: SymbolicTensor, name: string) => apply(layers.batchNormalization({ name, epsilon: EPSILON, momentum: batchNormMomentum }), x);
  const relu6 = (x: SymbolicTensor, name: string) => apply(layers.reLU({ name, maxValue: 6 }), x);
  const conv = (x: SymbolicTensor, filters: number, name: string) =>
    apply(layers.conv2d({ name, filters, kernelSize: 1, padding: "same", useBias: false, kernelInitializer: initializer() }), x);

  const image = input({ shape: [inputSize, inputSize, 3], name: "input_image" });
  let x = apply(
    layers.conv2d({ name: "Conv1", filters: roundChannels(32 * width), kernelSize: 3, strides: 2, padding: "same", useBias: false, kernelInitializer: initializer() }),
    image,
  );
  x = relu6(norm(x, "bn_Conv1"), "Conv1_relu");
  let index = 0;
  for (const [expansion, channels, blocks, firstStride] of STAGES) {
    for (let i = 0; i < blocks; i++) {
      const strides = i === 0 ? firstStride : 1;
      const inChannels = x.shape[3]!;
      const outChannels = roundChannels(channels * width);
      const prefix = index === 0 ? "expanded_conv" : `block_${index}`;
      const name = (part: string) => `${prefix}_${part}`;
      const shortcut = x;
      if (expansion !== 1) x = relu6(norm(conv(x, expansion * inChannels, name("expand")), name("expand_BN")), name("expand_relu"));
      if (strides === 2) x = apply(layers.zeroPadding2d({ name: name("pad"), padding: stridePadding(x.shape[1]!) }), x);
      x = apply(
        layers.depthwiseConv2d({ name: name("depthwise"), kernelSize: 3, strides, padding: strides === 1 ? "same" : "valid", useBias: false, depthwiseInitializer: depthwiseInitializer() }),
        x,
      );
      x = relu6(norm(x, name("depthwise_BN")), name("depthwise_relu"));
      x = norm(conv(x, outChannels, name("project")), name("project_BN"));
      if (strides === 1 && inChannels === outChannels) x = apply(layers.add({ name: name("add") }), [shortcut, x]);
      index++;
    }
  }
  x = conv(x, width > 1 ? roundChannels(1280 * width) : 1280, "Conv_1");
  x = relu6(norm(x, "Conv_1_bn"), "out_relu");
  return model({ inputs: image, outputs: x, name: `mobilenet_v2_${Math.round(width * 100).toString().padStart(3, "0")}` });
}
