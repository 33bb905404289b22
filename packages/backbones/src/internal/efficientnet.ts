import { layers, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import type { FeatureMaps, GraphOptions } from "./family.js";
import { Graph } from "./graph.js";
import { imagenetNormalization } from "./imagenet-normalization.js";
import { roundChannels } from "./round-channels.js";

/** Compound scaling of one size. */
export interface EfficientNetScale {
  width: number;
  depth: number;
  /** The variant for phones: ReLU6, no squeeze-excite, stem, top and the repeats of the outer stages not scaled. */
  lite?: boolean;
}

/** Table 1 of the paper (B0). */
const STAGES = [
  { kernelSize: 3, repeats: 1, channels: 16, expansion: 1, strides: 1 },
  { kernelSize: 3, repeats: 2, channels: 24, expansion: 6, strides: 2 },
  { kernelSize: 5, repeats: 2, channels: 40, expansion: 6, strides: 2 },
  { kernelSize: 3, repeats: 3, channels: 80, expansion: 6, strides: 2 },
  { kernelSize: 5, repeats: 3, channels: 112, expansion: 6, strides: 1 },
  { kernelSize: 5, repeats: 4, channels: 192, expansion: 6, strides: 2 },
  { kernelSize: 3, repeats: 1, channels: 320, expansion: 6, strides: 1 },
] as const;
const SQUEEZE_RATIO = 0.25;

/**
 * EfficientNet: Tan and Le, ICML 2019, arXiv:1905.11946. Layers, names and paddings as in Keras Applications; pixels
 * 0–255 are scaled and normalised inside.
 *
 * The lite variants (github.com/tensorflow/tpu, efficientnet/lite) have no Keras counterpart and take −1 … 1.
 *
 * Deviations: tfjs has no Normalization layer, so a frozen 1×1 depthwise convolution of the same name does its work
 * (6 numbers where Keras counts 7: the seventh is the count of images seen). Normal kernels are cut at 2σ and not widened to make up for it.
 */
export function efficientNet(
  input: SymbolicTensor,
  { width, depth, lite = false }: EfficientNetScale,
  options: GraphOptions,
): FeatureMaps {
  const graph = new Graph({
    seed: options.seed,
    batchNormMomentum: options.batchNormMomentum ?? 0.99,
    batchNormEpsilon: options.batchNormEpsilon ?? 1e-3,
    padding: options.padding,
    kernelStart: "fan-out-normal",
  });
  const dropPath = options.dropPath ?? 0.2;
  const maps: SymbolicTensor[] = [];
  const activate = (y: SymbolicTensor, name: string) =>
    lite ? graph.relu6(y, name) : graph.activation(y, name, "swish");
  let x = input;
  if (!lite) {
    x = layers.rescaling({ name: "rescaling", scale: 1 / 255 }).apply(x) as SymbolicTensor;
    x = imagenetNormalization(x);
  }
  x = graph.padForStride(x, "stem_conv_pad", 3);
  let channels = lite ? 32 : roundChannels(32 * width);
  x = graph.conv(x, "stem_conv", channels, 3, { strides: 2, padding: "valid" });
  x = activate(graph.batchNorm(x, "stem_bn"), "stem_activation");

  const repeatsOf = (stage: number) => {
    const { repeats } = STAGES[stage]!;
    const isOuter = stage === 0 || stage === STAGES.length - 1;
    return lite && isOuter ? repeats : Math.ceil(depth * repeats);
  };
  const blockCount = STAGES.reduce((sum, _, stage) => sum + repeatsOf(stage), 0);
  let block = 0;
  for (const [s, stage] of STAGES.entries()) {
    for (let i = 0; i < repeatsOf(s); i++, block++) {
      const name = `block${s + 1}${String.fromCharCode(97 + i)}`;
      const strides = i === 0 ? stage.strides : 1;
      const filters = roundChannels(stage.channels * width);
      const expanded = channels * stage.expansion;
      if (strides === 2) maps.push(x);
      let y = x;
      if (stage.expansion !== 1) {
        y = graph.conv(y, `${name}_expand_conv`, expanded, 1);
        y = activate(graph.batchNorm(y, `${name}_expand_bn`), `${name}_expand_activation`);
      }
      if (strides === 2) y = graph.padForStride(y, `${name}_dwconv_pad`, stage.kernelSize);
      y = graph.depthwise(y, `${name}_dwconv`, stage.kernelSize, {
        strides,
        padding: strides === 2 ? "valid" : "same",
      });
      y = activate(graph.batchNorm(y, `${name}_bn`), `${name}_activation`);
      if (!lite) y = squeezeExcite(graph, y, name, Math.max(1, Math.trunc(channels * SQUEEZE_RATIO)), expanded);
      y = graph.batchNorm(graph.conv(y, `${name}_project_conv`, filters, 1), `${name}_project_bn`);
      if (strides === 1 && channels === filters) {
        const rate = (dropPath * block) / blockCount;
        if (rate > 0) y = graph.dropout(y, `${name}_drop`, rate, [null, 1, 1, 1]);
        x = graph.add(y, x, `${name}_add`);
      } else x = y;
      channels = filters;
    }
  }
  x = graph.conv(x, "top_conv", lite ? 1280 : roundChannels(1280 * width), 1);
  maps.push(activate(graph.batchNorm(x, "top_bn"), "top_activation"));
  return { maps, poolingName: { avg: "avg_pool", max: "max_pool" } };
}

/** Hu et al., CVPR 2018: channels weighted by what the whole picture shows. */
function squeezeExcite(
  graph: Graph,
  x: SymbolicTensor,
  name: string,
  squeezed: number,
  channels: number,
): SymbolicTensor {
  let weights = layers.globalAveragePooling2d({ name: `${name}_se_squeeze` }).apply(x) as SymbolicTensor;
  weights = layers
    .reshape({ name: `${name}_se_reshape`, targetShape: [1, 1, channels] })
    .apply(weights) as SymbolicTensor;
  weights = graph.conv(weights, `${name}_se_reduce`, squeezed, 1, { activation: "swish", bias: true });
  weights = graph.conv(weights, `${name}_se_expand`, channels, 1, { activation: "sigmoid", bias: true });
  return layers.multiply({ name: `${name}_se_excite` }).apply([x, weights]) as SymbolicTensor;
}
