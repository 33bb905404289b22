import { checkOptions, InvalidArgumentError } from "@acr/core";
import { Matrix } from "ml-matrix";
import { alignShapes } from "./align-shapes.js";
import { PointModel } from "./point-model.js";

/** Options of `scoreLabels`. */
export interface ScoreLabelsOptions {
  /** A score above this many times the median of all is called suspect, > 1. Default 5. */
  suspectFactor?: number;
}

/** How unusual the labels of one face are. */
export interface LabelScore {
  /** Position in the input. */
  index: number;
  /** Squared Mahalanobis distance of the face over its degrees of freedom: about 1 for a usual face. */
  mahalanobis: number;
  /** The landmark that fits the others least, and its squared distance over 2. */
  landmark: number;
  landmarkScore: number;
  isSuspect: boolean;
}

/** The noise that every coordinate is granted, as a share of the mean variance of a coordinate. */
const RIDGE = 1e-3;
/** Faces farther from the mean than this many times the median distance are judged, but teach nothing. */
const GROSS = 3;
/** Alignment leaves no variance along position, rotation and scale; such modes say nothing about labels. */
const EMPTY = 1e-12;

/**
 * Finds labels that are probably wrong: faces, and the landmark in each, that the other faces make unlikely.
 *
 *   d² = δᵀ Σ⁻¹ δ / 2K,   d_k² = r_kᵀ P_kk r_k / 2  with  P = Σ⁻¹,  r_k = P_kk⁻¹ (P δ)_k
 *
 * after Procrustes alignment; δ is the deviation from the mean, Σ the covariance of all, and r_k what is left of landmark
 * k after its conditional mean given the other landmarks. Rotation, scale and position do not count as unusual.
 *
 * @param shapes - at least 10 flat shapes of one length, any frame.
 * @returns all faces, most suspect first, by `landmarkScore`.
 * @throws {ShapeError | InvalidArgumentError} as `alignShapes`; fewer than 10 shapes.
 * @example scoreLabels(labels).filter(({ isSuspect }) => isSuspect);
 */
export function scoreLabels(shapes: readonly ArrayLike<number>[], options: ScoreLabelsOptions = {}): LabelScore[] {
  checkOptions("scoreLabels", options, ["suspectFactor"]);
  const { suspectFactor = 5 } = options;
  if (!(suspectFactor > 1))
    throw new InvalidArgumentError(`scoreLabels: suspectFactor must be > 1; got ${suspectFactor}.`);
  if (!(shapes?.length >= 10))
    throw new InvalidArgumentError(`scoreLabels: shapes must hold at least 10; got ${shapes?.length ?? "none"}.`);
  const { shapes: aligned, mean } = alignShapes(shapes, { tolerance: 1e-6 });
  const tangents = aligned.map((shape) => toTangent(shape, mean));
  // Gross mistakes must not widen the law that is to find them.
  const norms = tangents.map((shape) => Math.hypot(...shape.map((value, q) => value - mean[q]!)));
  const limit = GROSS * [...norms].sort((a, b) => a - b)[norms.length >> 1]!;
  const model = PointModel.fit(tangents.filter((_, i) => norms[i]! <= limit));
  const length = mean.length;
  const noise = (RIDGE * model.totalVariance) / length;
  const precision = Matrix.zeros(length, length);
  for (const [i, mode] of model.modes.entries()) {
    if (model.eigenvalues[i]! <= EMPTY * model.totalVariance) continue;
    const share = 1 / (model.eigenvalues[i]! + noise);
    for (let p = 0; p < length; p++)
      for (let q = 0; q < length; q++) precision.set(p, q, precision.get(p, q) + share * mode[p]! * mode[q]!);
  }
  const scores = tangents.map((shape, index) => {
    const deviation = Array.from(shape, (value, q) => value - model.mean[q]!);
    const pulled = precision.mmul(Matrix.columnVector(deviation)).to1DArray();
    let [landmark, landmarkScore] = [0, 0];
    for (let k = 0; k < length / 2; k++) {
      const [a, b, c] = [
        precision.get(2 * k, 2 * k),
        precision.get(2 * k, 2 * k + 1),
        precision.get(2 * k + 1, 2 * k + 1),
      ];
      const [u, v] = [pulled[2 * k]!, pulled[2 * k + 1]!];
      const score = (c * u * u - 2 * b * u * v + a * v * v) / (a * c - b * b) / 2;
      if (score > landmarkScore) [landmark, landmarkScore] = [k, score];
    }
    const mahalanobis = deviation.reduce((sum, value, q) => sum + value * pulled[q]!, 0) / length;
    return { index, mahalanobis, landmark, landmarkScore, isSuspect: false };
  });
  scores.sort((first, second) => second.landmarkScore - first.landmarkScore);
  const median = scores[scores.length >> 1]!.landmarkScore;
  return scores.map((score) => ({ ...score, isSuspect: score.landmarkScore > suspectFactor * median }));
}

/** What is left of an aligned shape without the directions of position, rotation and scale at the mean. */
function toTangent(shape: Float64Array, mean: Float64Array): Float64Array {
  const size = mean.reduce((sum, value) => sum + value * value, 0);
  let [along, across] = [0, 0];
  for (let q = 0; q < mean.length; q += 2) {
    along += (shape[q]! * mean[q]! + shape[q + 1]! * mean[q + 1]!) / size;
    across += (shape[q + 1]! * mean[q]! - shape[q]! * mean[q + 1]!) / size;
  }
  return shape.map((value, q) =>
    q % 2 === 0
      ? value - (along - 1) * mean[q]! + across * mean[q + 1]!
      : value - (along - 1) * mean[q]! - across * mean[q - 1]!,
  );
}
