import type { SymbolicTensor } from "@tensorflow/tfjs-layers";
import type { FeatureMaps, GraphOptions } from "./family.js";
import { Graph } from "./graph.js";
import { roundChannels } from "./round-channels.js";

/** Inverted residuals: expansion, channels, repeats, stride of the first. */
type Stage = readonly [expansion: number, channels: number, repeats: number, strides: number];

/** What makes one of the tiny networks. */
export interface TinyDesign {
  stages: readonly Stage[];
  /** Channels of the last map. */
  lastChannels: number;
}

/**
 * PFLD-like: Guo et al. 2019, arXiv:1902.10859, at half width.
 * Deviations: the map at stride 32 takes the place of the 7×7 convolution, so that any size of crop will do; the auxiliary network for
 * the head's pose is left out; expansions as in the paper's table.
 */
export const PFLD_LIKE: TinyDesign = {
  stages: [
    [2, 64, 5, 2],
    [2, 128, 1, 2],
    [4, 128, 6, 1],
    [2, 64, 1, 2],
  ],
  lastChannels: 256,
};

/**
 * MobileFaceNet-like: Chen et al., CCBR 2018, arXiv:1804.07573.
 * Deviations: ReLU for PReLU, which the fused kernels lack; a map at stride 32 takes the place of the global depthwise convolution.
 */
export const MOBILEFACENET_LIKE: TinyDesign = {
  stages: [
    [2, 64, 5, 2],
    [4, 128, 1, 2],
    [2, 128, 6, 1],
    [4, 128, 1, 2],
    [2, 128, 2, 1],
  ],
  lastChannels: 512,
};

/** A small stack of inverted residuals (see the designs) of a width. */
export function tiny(
  input: SymbolicTensor,
  { stages, lastChannels }: TinyDesign,
  width: number,
  options: GraphOptions,
): FeatureMaps {
  const graph = new Graph({
    seed: options.seed,
    batchNormMomentum: options.batchNormMomentum ?? 0.99,
    batchNormEpsilon: options.batchNormEpsilon ?? 1e-3,
    padding: options.padding,
    kernelStart: "torch-uniform",
  });
  const maps: SymbolicTensor[] = [];
  let channels = roundChannels(64 * width);
  let x = graph.conv(input, "stem_conv", channels, 3, { strides: 2 });
  x = graph.relu(graph.batchNorm(x, "stem_bn"), "stem_relu");
  x = graph.depthwise(x, "stem_depthwise", 3);
  x = graph.relu(graph.batchNorm(x, "stem_depthwise_bn"), "stem_depthwise_relu");

  const blockCount = stages.reduce((sum, [, , repeats]) => sum + repeats, 0);
  let index = 0;
  for (const [s, [expansion, stageChannels, repeats, firstStrides]] of stages.entries()) {
    const filters = roundChannels(stageChannels * width);
    for (let i = 0; i < repeats; i++, index++) {
      const name = `stage${s + 1}_block${i + 1}`;
      const strides = i === 0 ? firstStrides : 1;
      if (strides === 2) maps.push(x);
      let y = graph.conv(x, `${name}_expand`, expansion * channels, 1);
      y = graph.relu(graph.batchNorm(y, `${name}_expand_bn`), `${name}_expand_relu`);
      y = graph.depthwise(y, `${name}_depthwise`, 3, { strides });
      y = graph.relu(graph.batchNorm(y, `${name}_depthwise_bn`), `${name}_depthwise_relu`);
      y = graph.batchNorm(graph.conv(y, `${name}_project`, filters, 1), `${name}_project_bn`);
      const rate = ((options.dropPath ?? 0) * index) / blockCount;
      x = strides === 1 && channels === filters ? graph.residual(x, y, name, rate) : y;
      channels = filters;
    }
  }
  maps.push(x);
  x = graph.batchNorm(graph.depthwise(x, "last_depthwise", 3, { strides: 2 }), "last_depthwise_bn");
  x = graph.conv(x, "last_conv", roundChannels(lastChannels * width), 1);
  maps.push(graph.relu(graph.batchNorm(x, "last_bn"), "last_relu"));
  return { maps, poolingName: { avg: "avg_pool", max: "max_pool" } };
}
