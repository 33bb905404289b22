import type { SymbolicTensor } from "@tensorflow/tfjs-layers";
import type { FeatureMaps, GraphOptions } from "./family.js";
import { Graph } from "./graph.js";
import { roundChannels } from "./round-channels.js";

/** Table 2 of the paper: expansion, channels, repeats, stride of the first block. */
const STAGES = [
  { expansion: 1, channels: 16, repeats: 1, strides: 1 },
  { expansion: 6, channels: 24, repeats: 2, strides: 2 },
  { expansion: 6, channels: 32, repeats: 3, strides: 2 },
  { expansion: 6, channels: 64, repeats: 4, strides: 2 },
  { expansion: 6, channels: 96, repeats: 3, strides: 1 },
  { expansion: 6, channels: 160, repeats: 3, strides: 2 },
  { expansion: 6, channels: 320, repeats: 1, strides: 1 },
] as const;
const BLOCK_COUNT = STAGES.reduce((sum, { repeats }) => sum + repeats, 0);

/**
 * MobileNetV2: Sandler et al., CVPR 2018, arXiv:1801.04381. Layers, names and paddings as in Keras Applications.
 *
 * Deviations: kernels start as PyTorch's do (uniform, ±1/√inputs), not glorot-uniform, which starts a depthwise kernel
 * so small that BatchNorm's epsilon weighs in and Adam's first steps turn it over.
 */
export function mobilenetV2(input: SymbolicTensor, alpha: number, options: GraphOptions): FeatureMaps {
  const graph = new Graph({
    seed: options.seed,
    batchNormMomentum: options.batchNormMomentum ?? 0.999,
    batchNormEpsilon: options.batchNormEpsilon ?? 1e-3,
    padding: options.padding,
    kernelStart: "torch-uniform",
  });
  const maps: SymbolicTensor[] = [];
  let channels = roundChannels(32 * alpha);
  let x = graph.conv(input, "Conv1", channels, 3, { strides: 2 });
  x = graph.relu6(graph.batchNorm(x, "bn_Conv1"), "Conv1_relu");

  let block = 0;
  for (const stage of STAGES) {
    for (let i = 0; i < stage.repeats; i++, block++) {
      const name = block === 0 ? "expanded_conv" : `block_${block}`;
      const strides = i === 0 ? stage.strides : 1;
      const filters = roundChannels(Math.trunc(stage.channels * alpha));
      if (strides === 2) maps.push(x);
      let y = x;
      if (block > 0) {
        y = graph.conv(y, `${name}_expand`, stage.expansion * channels, 1);
        y = graph.relu6(graph.batchNorm(y, `${name}_expand_BN`), `${name}_expand_relu`);
      }
      if (strides === 2) y = graph.padForStride(y, `${name}_pad`, 3);
      y = graph.depthwise(y, `${name}_depthwise`, 3, { strides, padding: strides === 2 ? "valid" : "same" });
      y = graph.relu6(graph.batchNorm(y, `${name}_depthwise_BN`), `${name}_depthwise_relu`);
      y = graph.batchNorm(graph.conv(y, `${name}_project`, filters, 1), `${name}_project_BN`);
      const rate = ((options.dropPath ?? 0) * block) / BLOCK_COUNT;
      x = strides === 1 && channels === filters ? graph.residual(x, y, name, rate) : y;
      channels = filters;
    }
  }
  x = graph.conv(x, "Conv_1", alpha > 1 ? roundChannels(1280 * alpha) : 1280, 1);
  maps.push(graph.relu6(graph.batchNorm(x, "Conv_1_bn"), "out_relu"));
  return { maps, poolingName: { avg: "global_average_pooling2d", max: "global_max_pooling2d" } };
}
