import {
  add,
  clipByValue,
  div,
  logSoftmax,
  max,
  mean,
  minimum,
  mul,
  neg,
  type Scalar,
  slice,
  softmax,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  tensor1d,
  tidy,
} from "@tensorflow/tfjs-core";
import { layers, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import { cellCentres } from "./cell-grid.js";
import { constantDense } from "./constant-dense.js";
import { featurePyramid } from "./feature-pyramid.js";
import type { LandmarkHead } from "./landmark-head.js";

const PYRAMID_CHANNELS = 64;
const STRIDE_8 = 2;
/** Bins for each pixel of the crop. */
const BINS_PER_PIXEL = 2;
/** Bins cover a little more than the crop: landmarks may lie outside it. */
const REACH = 1.2;
/** Standard deviation of a target, bins. */
const TARGET_SIGMA = 4;
const LOGITS = ["head_x_logits", "head_y_logits"] as const;

/**
 * Two classifications for each landmark, of x and of y, over bins half a pixel wide; coordinates are the means of the
 * bins' places under them, so that they stay differentiable.
 *
 * Li et al., ECCV 2022, arXiv:2107.03332 (SimCC). Own loss: cross-entropy with a Gaussian around the target.
 * Deviations: means instead of the likeliest bin; maps at stride 8 from a light feature pyramid; bins reach 1.2 times as far
 * as the crop.
 */
export const simccHead: LandmarkHead = {
  marker: LOGITS[0],
  auxiliaryWeight: 0.01,
  build({ graph, maps, landmarkCount, inputSize, dropout }) {
    let x = featurePyramid(graph, maps, STRIDE_8, PYRAMID_CHANNELS);
    if (dropout > 0) x = graph.dropout(x, "head_dropout", dropout, [null, 1, 1, null]);
    const cells = x.shape[1]! * x.shape[2]!;
    x = graph.conv(x, "head_maps", landmarkCount, 1, { bias: true });
    x = layers.reshape({ name: "head_cells", targetShape: [cells, landmarkCount] }).apply(x) as SymbolicTensor;
    x = layers.permute({ name: "head_by_landmark", dims: [2, 1] }).apply(x) as SymbolicTensor;
    // Axis 0 is x, which runs along the width.
    const coordinates = LOGITS.map((name, axis) => {
      const bins = Math.round(REACH * BINS_PER_PIXEL * inputSize[1 - axis]!);
      const logits = graph.dense(x, name, bins);
      const chances = layers
        .softmax({ name: name.replace("_logits", "_chances"), axis: -1 })
        .apply(logits) as SymbolicTensor;
      const places = cellCentres(bins, REACH).map((place) => [place]);
      return constantDense(chances, name.replace("_logits", ""), places);
    });
    return layers.concatenate({ name: "landmarks", axis: -1 }).apply(coordinates) as SymbolicTensor;
  },
  trainingLayers: LOGITS,
  auxiliaryLoss(outputs, targets) {
    return tidy(() => {
      const [x, y] = outputs.map((logits, axis) => crossEntropy(logits as Tensor3D, targets, axis));
      return mul(add(x!, y!), 0.5) as Scalar;
    });
  },
  confidenceLayers: LOGITS,
  /** The smaller of the two coordinates' shares within ±σ of the likeliest bin, as a chance relative to the target's. */
  confidence(outputs) {
    return tidy(() => {
      const [x, y] = outputs.map((logits) => max(softmax(logits as Tensor3D), -1));
      // A map as narrow as its target has confidence 1.
      const peak = 1 / (TARGET_SIGMA * Math.sqrt(2 * Math.PI));
      return clipByValue(div(minimum(x!, y!), peak), 0, 1) as Tensor2D;
    });
  },
};

function crossEntropy(logits: Tensor3D, targets: Tensor3D, axis: number): Tensor {
  const bins = logits.shape[2];
  const place = slice(targets, [0, 0, axis], [-1, -1, 1]);
  const distance = mul(sub(place, tensor1d(cellCentres(bins, REACH))), bins / REACH / TARGET_SIGMA);
  const target = softmax(mul(square(distance), -0.5));
  return mean(neg(sum(mul(target, logSoftmax(logits)), -1)));
}
