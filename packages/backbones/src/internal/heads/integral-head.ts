import {
  add,
  exp,
  log,
  logSoftmax,
  mean,
  mul,
  reshape,
  type Scalar,
  slice,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor3D,
  type Tensor4D,
  tensor1d,
  tensor4d,
  tidy,
  transpose,
  zeros,
} from "@tensorflow/tfjs-core";
import { layers, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import { cellCentres, cellGrid } from "./cell-grid.js";
import { constantDense } from "./constant-dense.js";
import { coordinateChannels, gaussianWeights } from "./coordinate-channels.js";
import { featurePyramid } from "./feature-pyramid.js";
import type { LandmarkHead } from "./landmark-head.js";
import { mapConfidence } from "./map-confidence.js";

const PYRAMID_CHANNELS = 64;
const STRIDE_4 = 1;
/** Width of the heat maps at the start, `centered`: about as far as landmarks stray from the mean shape. */
const START_SIGMA = 0.1;
const LOGITS = "head_heatmap_logits";
const HEATMAPS = "head_heatmaps";

/**
 * One heat map for each landmark at stride 4, read by a soft-argmax: the mean of the cells' places under the map.
 *
 * Sun et al., ECCV 2018, arXiv:1711.08229 (integral regression); Nibali et al. 2018, arXiv:1801.07372 (its regulariser,
 * here: Jensen–Shannon divergence to a Gaussian of one cell around the target, off by default).
 * Deviations: a light feature pyramid in front instead of transposed convolutions; the maps see where their cells lie and start
 * as Gaussians around the mean shape, for flat ones learn slowly.
 */
export const integralHead: LandmarkHead = {
  marker: HEATMAPS,
  auxiliaryWeight: 0,
  build({ graph, maps, landmarkCount, dropout, meanShape }) {
    let x = featurePyramid(graph, maps, STRIDE_4, PYRAMID_CHANNELS);
    x = graph.conv(x, "head_features", PYRAMID_CHANNELS, 1);
    x = graph.relu(graph.batchNorm(x, "head_features_bn"), "head_features_relu");
    if (dropout > 0) x = graph.dropout(x, "head_dropout", dropout, [null, 1, 1, null]);
    const [height, width] = x.shape.slice(1, 3) as [number, number];
    x = coordinateChannels(x, "head_coordinates");
    const features = x.shape[3]!;
    const convolution = layers.conv2d({
      name: LOGITS,
      filters: landmarkCount,
      kernelSize: 1,
      kernelInitializer: "zeros",
    });
    x = convolution.apply(x) as SymbolicTensor;
    startAt(convolution, features, landmarkCount, meanShape);
    x = layers.reshape({ name: "head_cells", targetShape: [height * width, landmarkCount] }).apply(x) as SymbolicTensor;
    x = layers.permute({ name: "head_by_landmark", dims: [2, 1] }).apply(x) as SymbolicTensor;
    x = layers.softmax({ name: HEATMAPS, axis: -1 }).apply(x) as SymbolicTensor;
    return constantDense(x, "landmarks", cellGrid(height, width));
  },
  trainingLayers: [LOGITS],
  auxiliaryLoss(outputs, targets) {
    return tidy(() => {
      const logits = outputs[0] as Tensor4D;
      const [batch, height, width, count] = logits.shape;
      const logP = logSoftmax(reshape(transpose(logits, [0, 3, 1, 2]), [batch, count, height * width]));
      const logQ = gaussianLogMaps(targets, height, width);
      const [p, q] = [exp(logP), exp(logQ)];
      const logMean = log(add(mul(add(p, q), 0.5), 1e-12));
      const divergence = add(sum(mul(p, sub(logP, logMean)), -1), sum(mul(q, sub(logQ, logMean)), -1));
      return mul(mean(divergence), 0.5) as Scalar;
    });
  },
  confidenceLayers: [LOGITS],
  confidence: ([logits]) => mapConfidence(logits as Tensor4D),
};

/** Heat maps start as Gaussians around the mean shape, whatever the picture shows. */
function startAt(
  convolution: layers.Layer,
  features: number,
  landmarkCount: number,
  meanShape: readonly number[] = new Array(2 * landmarkCount).fill(0),
): void {
  const rows = Array.from({ length: landmarkCount }, (_, k) =>
    gaussianWeights([meanShape[2 * k]!, meanShape[2 * k + 1]!], START_SIGMA),
  );
  const values = [
    ...new Array(features - rows[0]!.length).fill(new Array(landmarkCount).fill(0)),
    ...rows[0]!.map((_, channel) => rows.map((row) => row[channel]!)),
  ];
  const kernel = tensor4d(values.flat(), [1, 1, features, landmarkCount]);
  const bias = zeros([landmarkCount]);
  convolution.setWeights([kernel, bias]);
  kernel.dispose();
  bias.dispose();
}

/** Logarithms of normalised Gaussians of one cell's width around the targets: [B, K, H·W]. */
function gaussianLogMaps(targets: Tensor3D, height: number, width: number): Tensor {
  const along = (axis: number, cells: number) => {
    const place = slice(targets, [0, 0, axis], [-1, -1, 1]);
    return mul(square(mul(sub(place, tensor1d(cellCentres(cells))), cells)), -0.5);
  };
  const [batch, count] = targets.shape;
  const sums = add(
    reshape(along(1, height), [batch, count, height, 1]),
    reshape(along(0, width), [batch, count, 1, width]),
  );
  return logSoftmax(reshape(sums, [batch, count, height * width]));
}
