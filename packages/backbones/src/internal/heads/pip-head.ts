import {
  abs,
  add,
  argMax,
  cast,
  clipByValue,
  floor,
  gather,
  logSoftmax,
  mean,
  mul,
  neg,
  oneHot,
  reshape,
  type Scalar,
  slice,
  squeeze,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tensor,
  tidy,
  transpose,
} from "@tensorflow/tfjs-core";
import { type LayersModel, layers, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import { cellGrid } from "./cell-grid.js";
import { constantDense } from "./constant-dense.js";
import { featurePyramid } from "./feature-pyramid.js";
import type { LandmarkHead } from "./landmark-head.js";
import { mapConfidence } from "./map-confidence.js";

const CHANNELS = 128;
const MAXIMUM_NEIGHBOURS = 10;
/** Crops smaller than this have too few cells at stride 32. */
const SMALL_CROP = 192;
const [STRIDE_16, STRIDE_32] = [3, 4];
const SCORES = "head_score_logits";
const AXES = ["x", "y"] as const;

/**
 * A coarse score map for each landmark, and in each of its cells the offsets to the landmark and to its nearest
 * neighbours in the mean shape. Each landmark is the mean of all predictions of it, weighted by the softmax of the scores.
 *
 * Jin, Liao and Shao, IJCV 2021, arXiv:2003.03771 (PIPNet). Own loss: cross-entropy of the cell that holds the target, and L1 of the
 * offsets in that cell, in cells.
 * Deviations: scores weigh all cells where the paper takes the best, so that coordinates stay differentiable; a softmax
 * and its cross-entropy instead of the scores' squared error; stride 16 for crops below 192 pixels; without a mean shape no
 * neighbours.
 */
export const pipHead: LandmarkHead = {
  marker: SCORES,
  auxiliaryWeight: 0.02,
  build({ graph, maps, landmarkCount, inputSize, dropout, meanShape }) {
    const level = Math.min(...inputSize) < SMALL_CROP ? STRIDE_16 : STRIDE_32;
    let x = featurePyramid(graph, maps, level, CHANNELS);
    x = graph.conv(x, "head_features", CHANNELS, 1);
    x = graph.relu(graph.batchNorm(x, "head_features_bn"), "head_features_relu");
    if (dropout > 0) x = graph.dropout(x, "head_dropout", dropout, [null, 1, 1, null]);
    const [height, width] = x.shape.slice(1, 3) as [number, number];
    const cells = height * width;
    const targets = neighbours(landmarkCount, meanShape);
    const each = targets[0]!.length;
    const byLandmark = (map: SymbolicTensor, name: string, perLandmark: number) => {
      const channels = landmarkCount * perLandmark;
      let y = layers.reshape({ name: `${name}_cells`, targetShape: [cells, channels] }).apply(map) as SymbolicTensor;
      y = layers.permute({ name: `${name}_by_landmark`, dims: [2, 1] }).apply(y) as SymbolicTensor;
      const targetShape = [landmarkCount, perLandmark, cells];
      return layers.reshape({ name: `${name}_maps`, targetShape }).apply(y) as SymbolicTensor;
    };
    let chances = byLandmark(graph.conv(x, SCORES, landmarkCount, 1, { bias: true }), "head_score", 1);
    chances = layers.softmax({ name: "head_chances", axis: -1 }).apply(chances) as SymbolicTensor;

    const means = targets.flatMap((row) =>
      row.map((target) => {
        const share = 1 / targets.flat().filter((other) => other === target).length;
        return Array.from({ length: landmarkCount }, (_, k) => (k === target ? share : 0));
      }),
    );
    const coordinates = AXES.map((axis, i) => {
      const name = `head_offset_${axis}`;
      const map = graph.conv(x, name, landmarkCount * each, 1, { bias: true });
      const weighted = layers
        .multiply({ name: `${name}_weighted` })
        .apply([byLandmark(map, name, each), chances]) as SymbolicTensor;
      // Offsets are in cells, so that they start and stay of the order of 1.
      const side = 1 / (i === 0 ? width : height);
      const offsets = constantDense(
        weighted,
        `${name}_mean`,
        Array.from({ length: cells }, () => [side]),
      );
      const places = constantDense(
        chances,
        `head_cell_${axis}`,
        cellGrid(height, width).map((place) => [place[i]!]),
      );
      let y = graph.add(offsets, places, `head_votes_${axis}`);
      y = layers.reshape({ name: `head_all_${axis}`, targetShape: [landmarkCount * each] }).apply(y) as SymbolicTensor;
      y = constantDense(y, `head_mean_${axis}`, means);
      return layers.reshape({ name: `head_${axis}`, targetShape: [landmarkCount, 1] }).apply(y) as SymbolicTensor;
    });
    return layers.concatenate({ name: "landmarks", axis: -1 }).apply(coordinates) as SymbolicTensor;
  },
  trainingLayers: [SCORES, "head_offset_x", "head_offset_y"],
  auxiliaryLoss(outputs, targets, model) {
    return tidy(() => {
      const scores = outputs[0] as Tensor4D;
      const [batch, height, width, count] = scores.shape;
      const cells = height * width;
      const sides = [width, height] as const;
      const cellAt = (axis: number) => {
        const place = squeeze(slice(targets, [0, 0, axis], [-1, -1, 1]), [2]);
        return clipByValue(floor(mul(add(place, 0.5), sides[axis]!)), 0, sides[axis]! - 1);
      };
      const index = add(mul(cellAt(1), width), cellAt(0)) as Tensor2D;
      const isTarget = cast(oneHot(cast(index, "int32"), cells), "float32");
      const logChances = logSoftmax(reshape(transpose(scores, [0, 3, 1, 2]), [batch, count, cells]));
      let loss: Tensor = mean(neg(sum(mul(isTarget, logChances), -1)));
      const order = voteTargets(model);
      for (const axis of [0, 1]) {
        const map = outputs[1 + axis] as Tensor4D;
        const each = map.shape[3] / count;
        const flat = reshape(transpose(map, [0, 3, 1, 2]), [batch, count, each, cells]);
        const given = sum(mul(flat, reshape(isTarget, [batch, count, 1, cells])), -1);
        const place = squeeze<Tensor2D>(slice(targets, [0, 0, axis], [-1, -1, 1]), [2]);
        const centre = sum(mul(isTarget, tensor(cellGrid(height, width).map((cell) => cell[axis]!))), -1);
        const wanted = mul(
          sub(reshape(gather(place, order, 1), [batch, count, each]), reshape(centre, [batch, count, 1])),
          sides[axis]!,
        );
        loss = add(loss, mul(mean(abs(sub(given, wanted))), 0.5));
      }
      return loss as Scalar;
    });
  },
  confidenceLayers: [SCORES],
  confidence: ([scores]) => mapConfidence(scores as Tensor4D),
};

/** For each landmark itself and its nearest others in the mean shape. */
function neighbours(landmarkCount: number, meanShape: readonly number[] | undefined): number[][] {
  const all = Array.from({ length: landmarkCount }, (_, k) => k);
  if (!meanShape) return all.map((k) => [k]);
  const distance = (a: number, b: number) =>
    Math.hypot(meanShape[2 * a]! - meanShape[2 * b]!, meanShape[2 * a + 1]! - meanShape[2 * b + 1]!);
  return all.map((k) => [
    k,
    ...all
      .filter((other) => other !== k)
      .sort((a, b) => distance(k, a) - distance(k, b) || a - b)
      .slice(0, MAXIMUM_NEIGHBOURS),
  ]);
}

/** Which landmark each vote is for, read from the model's own averaging matrix: it also stands in loaded models. */
function voteTargets(model: LayersModel): Tensor {
  return argMax(model.getLayer("head_mean_x").getWeights()[0]!, -1);
}
