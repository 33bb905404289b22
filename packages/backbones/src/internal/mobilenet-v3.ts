import { layers, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import type { FeatureMaps, GraphOptions } from "./family.js";
import { Graph } from "./graph.js";
import { roundChannels } from "./round-channels.js";

/** One block: expansion, channels, kernel, stride, squeeze-excite, activation. */
type Block = readonly [
  expansion: number,
  channels: number,
  kernelSize: number,
  strides: number,
  squeezeExcite: boolean,
  activation: "relu" | "hardSwish",
];

/** Tables 1 and 2 of the paper, expansions as in Keras Applications. */
const BLOCKS: Record<"small" | "large", readonly Block[]> = {
  small: [
    [1, 16, 3, 2, true, "relu"],
    [72 / 16, 24, 3, 2, false, "relu"],
    [88 / 24, 24, 3, 1, false, "relu"],
    [4, 40, 5, 2, true, "hardSwish"],
    [6, 40, 5, 1, true, "hardSwish"],
    [6, 40, 5, 1, true, "hardSwish"],
    [3, 48, 5, 1, true, "hardSwish"],
    [3, 48, 5, 1, true, "hardSwish"],
    [6, 96, 5, 2, true, "hardSwish"],
    [6, 96, 5, 1, true, "hardSwish"],
    [6, 96, 5, 1, true, "hardSwish"],
  ],
  large: [
    [1, 16, 3, 1, false, "relu"],
    [4, 24, 3, 2, false, "relu"],
    [3, 24, 3, 1, false, "relu"],
    [3, 40, 5, 2, true, "relu"],
    [3, 40, 5, 1, true, "relu"],
    [3, 40, 5, 1, true, "relu"],
    [6, 80, 3, 2, false, "hardSwish"],
    [2.5, 80, 3, 1, false, "hardSwish"],
    [2.3, 80, 3, 1, false, "hardSwish"],
    [2.3, 80, 3, 1, false, "hardSwish"],
    [6, 112, 3, 1, true, "hardSwish"],
    [6, 112, 3, 1, true, "hardSwish"],
    [6, 160, 5, 2, true, "hardSwish"],
    [6, 160, 5, 1, true, "hardSwish"],
    [6, 160, 5, 1, true, "hardSwish"],
  ],
};
const SQUEEZE_RATIO = 0.25;

/**
 * MobileNetV3: Howard et al., ICCV 2019, arXiv:1905.02244. Weighted layers, names and paddings as in Keras Applications.
 *
 * Deviations: hard-swish and hard-sigmoid are made of a shift, ReLU6 and a product, for tfjs has other ones or none; kernels start as
 * PyTorch's do.
 */
export function mobilenetV3(input: SymbolicTensor, size: "small" | "large", options: GraphOptions): FeatureMaps {
  const graph = new Graph({
    seed: options.seed,
    batchNormMomentum: options.batchNormMomentum ?? 0.999,
    batchNormEpsilon: options.batchNormEpsilon ?? 1e-3,
    padding: options.padding,
    kernelStart: "torch-uniform",
  });
  const maps: SymbolicTensor[] = [];
  const activate = (x: SymbolicTensor, name: string, kind: Block[5]) =>
    kind === "relu" ? graph.relu(x, `${name}_relu`) : graph.hardSwish(x, `${name}_hard_swish`);
  let channels = 16;
  let x = graph.conv(input, "conv", channels, 3, { strides: 2 });
  x = graph.hardSwish(graph.batchNorm(x, "conv_bn"), "conv_hard_swish");

  const blocks = BLOCKS[size];
  for (const [i, [expansion, filters, kernelSize, strides, squeezes, kind]] of blocks.entries()) {
    const name = i === 0 ? "expanded_conv" : `expanded_conv_${i}`;
    const expanded = roundChannels(expansion * channels);
    if (strides === 2) maps.push(x);
    let y = x;
    if (i > 0) {
      y = graph.conv(y, `${name}_expand`, expanded, 1);
      y = activate(graph.batchNorm(y, `${name}_expand_bn`), `${name}_expand`, kind);
    }
    if (strides === 2) y = graph.padForStride(y, `${name}_depthwise_pad`, kernelSize);
    y = graph.depthwise(y, `${name}_depthwise`, kernelSize, { strides, padding: strides === 2 ? "valid" : "same" });
    y = activate(graph.batchNorm(y, `${name}_depthwise_bn`), `${name}_depthwise`, kind);
    if (squeezes) y = squeezeExcite(graph, y, name, expanded);
    y = graph.batchNorm(graph.conv(y, `${name}_project`, filters, 1), `${name}_project_bn`);
    x =
      strides === 1 && channels === filters
        ? graph.residual(x, y, name, ((options.dropPath ?? 0) * i) / blocks.length)
        : y;
    channels = filters;
  }
  x = graph.conv(x, "conv_1", roundChannels(channels * 6), 1);
  maps.push(graph.hardSwish(graph.batchNorm(x, "conv_1_bn"), "conv_1_hard_swish"));
  return { maps, poolingName: { avg: "avg_pool", max: "max_pool" } };
}

/** Hu et al., CVPR 2018, with a hard sigmoid. */
function squeezeExcite(graph: Graph, x: SymbolicTensor, block: string, channels: number): SymbolicTensor {
  const name = `${block}_squeeze_excite`;
  let y = layers.globalAveragePooling2d({ name: `${name}_avg_pool` }).apply(x) as SymbolicTensor;
  y = layers.reshape({ name: `${name}_reshape`, targetShape: [1, 1, channels] }).apply(y) as SymbolicTensor;
  y = graph.conv(y, `${name}_conv`, roundChannels(channels * SQUEEZE_RATIO), 1, { bias: true });
  y = graph.relu(y, `${name}_relu`);
  y = graph.conv(y, `${name}_conv_1`, channels, 1, { bias: true });
  return graph.multiply(x, graph.hardSigmoid(y, `${name}_hard_sigmoid`), `${name}_mul`);
}
