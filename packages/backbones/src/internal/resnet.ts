import type { SymbolicTensor } from "@tensorflow/tfjs-layers";
import type { FeatureMaps, GraphOptions } from "./family.js";
import { Graph } from "./graph.js";

const FIRST_CHANNELS = 64;

/** Two 3×3, Keras' 1×1-3×3-1×1, or torchvision's. */
export type ResnetBlock = "basic" | "bottleneck" | "bottleneck-v1.5";

/**
 * ResNet: He et al., CVPR 2016, arXiv:1512.03385. With Keras' bottlenecks (50) layers, names, biases and strides (in the first 1×1
 * of a stage) are those of Keras Applications; with basic blocks (18, 34), which Keras lacks, and with torchvision's
 * bottlenecks (50 v1.5: strides in the 3×3, no biases) those of torchvision under names made alike.
 *
 * All pad both sides alike, whatever `padding` says: so do Keras and PyTorch.
 */
export function resnet(
  input: SymbolicTensor,
  repeats: readonly number[],
  block: ResnetBlock,
  options: GraphOptions,
): FeatureMaps {
  const isKeras = block === "bottleneck";
  const isBasic = block === "basic";
  const graph = new Graph({
    seed: options.seed,
    batchNormMomentum: options.batchNormMomentum ?? (isKeras ? 0.99 : 0.9),
    batchNormEpsilon: options.batchNormEpsilon ?? (isKeras ? 1.001e-5 : 1e-5),
    kernelStart: "fan-out-normal",
  });
  const bias = isKeras;
  const maps: SymbolicTensor[] = [];
  let x = graph.pad(input, "conv1_pad", 3);
  x = graph.conv(x, "conv1_conv", FIRST_CHANNELS, 7, { strides: 2, padding: "valid", bias });
  x = graph.relu(graph.batchNorm(x, "conv1_bn"), "conv1_relu");
  maps.push(x);
  x = graph.maxPool(graph.pad(x, "pool1_pad", 1), "pool1_pool", 3, 2);

  const blockCount = repeats.reduce((a, b) => a + b, 0);
  let index = 0;
  for (const [stage, count] of repeats.entries()) {
    const filters = FIRST_CHANNELS * 2 ** stage;
    const outChannels = isBasic ? filters : 4 * filters;
    for (let i = 1; i <= count; i++, index++) {
      const name = `conv${stage + 2}_block${i}`;
      const strides = i === 1 && stage > 0 ? 2 : 1;
      const unit = (y: SymbolicTensor, part: number, channels: number, size: number, step: number, isLast: boolean) => {
        let z = y;
        const isPadded = size === 3 && step === 2;
        // torchvision pads both sides alike; "same" would pad the end alone.
        if (isPadded) z = graph.pad(z, `${name}_${part}_pad`, 1);
        z = graph.conv(z, `${name}_${part}_conv`, channels, size, {
          strides: step,
          padding: isPadded ? "valid" : "same",
          bias,
        });
        z = graph.batchNorm(z, `${name}_${part}_bn`);
        return isLast ? z : graph.relu(z, `${name}_${part}_relu`);
      };
      const isProjected = i === 1 && (!isBasic || stage > 0);
      const shortcut = isProjected ? unit(x, 0, outChannels, 1, strides, true) : x;
      let y: SymbolicTensor;
      if (isBasic) {
        y = unit(x, 1, filters, 3, strides, false);
        y = unit(y, 2, filters, 3, 1, true);
      } else {
        y = unit(x, 1, filters, 1, isKeras ? strides : 1, false);
        y = unit(y, 2, filters, 3, isKeras ? 1 : strides, false);
        y = unit(y, 3, outChannels, 1, 1, true);
      }
      const rate = ((options.dropPath ?? 0) * index) / blockCount;
      x = graph.relu(graph.residual(shortcut, y, name, rate), `${name}_out`);
    }
    maps.push(x);
  }
  return { maps, poolingName: { avg: "avg_pool", max: "max_pool" } };
}
