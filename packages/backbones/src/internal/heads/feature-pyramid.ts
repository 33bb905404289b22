import { layers, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import type { Graph } from "../graph.js";

/**
 * A light feature pyramid (Lin et al., CVPR 2017, arXiv:1612.03144): coarse maps are doubled and added to finer ones,
 * each sum smoothed by a depthwise 3×3.
 *
 * Deviations: depthwise smoothing with BatchNorm and ReLU; sides that are odd are cut after doubling.
 *
 * @param maps - maps at strides 2 … 32.
 * @param finest - index of the map whose sides the result has: 1 is stride 4, 2 is stride 8, 3 is stride 16.
 * @returns [B, H, W, channels], not negative.
 */
export function featurePyramid(
  graph: Graph,
  maps: readonly SymbolicTensor[],
  finest: number,
  channels: number,
): SymbolicTensor {
  const coarsest = maps.length - 1;
  let x = graph.conv(maps[coarsest]!, `head_lateral_${coarsest}`, channels, 1);
  x = graph.relu(graph.batchNorm(x, `head_lateral_${coarsest}_bn`), `head_lateral_${coarsest}_relu`);
  for (let level = coarsest - 1; level >= finest; level--) {
    const map = maps[level]!;
    const lateral = graph.batchNorm(graph.conv(map, `head_lateral_${level}`, channels, 1), `head_lateral_${level}_bn`);
    x = layers.upSampling2d({ name: `head_up_${level}`, size: [2, 2] }).apply(x) as SymbolicTensor;
    const [rows, columns] = [1, 2].map((axis) => x.shape[axis]! - map.shape[axis]!) as [number, number];
    if (rows > 0 || columns > 0) {
      const cropping: [[number, number], [number, number]] = [
        [0, rows],
        [0, columns],
      ];
      x = layers.cropping2D({ name: `head_cut_${level}`, cropping }).apply(x) as SymbolicTensor;
    }
    x = graph.add(lateral, x, `head_sum_${level}`);
    x = graph.depthwise(x, `head_smooth_${level}`, 3);
    x = graph.relu(graph.batchNorm(x, `head_smooth_${level}_bn`), `head_smooth_${level}_relu`);
  }
  return x;
}
