import { checkOptions, InvalidArgumentError, ShapeError } from "@acr/core";
import { add, cast, greaterEqual, mul, reshape, slice, sum, type Tensor, tensor2d, tidy } from "@tensorflow/tfjs-core";
import { landmarkCountOf, timesBatchWeights } from "./internal/batch-weights.js";
import { checkLoss, makeLoss, specOf } from "./internal/make-loss.js";
import type { Loss } from "./loss.js";

/** A weight for each bin of the pose coefficient, as JSON; `poseBins` makes them. */
export interface PoseBins {
  /** Where a bin ends and the next begins, increasing; a coefficient equal to an edge is in the bin above. */
  edges: readonly number[];
  /** One more than edges, each >= 0. */
  weights: readonly number[];
}

/**
 * Weighs faces by how rare their pose is in the training set, so that profiles count as much as frontal faces: the
 * pose-based data balancing of the Wing paper, as weights in place of copies of the rare faces.
 *
 * Calls pass `pose`, the first coefficient of a shape model for each face: `[B]`, `[B, 1]`, or `[B, M]`, of which the first
 * column is taken. The mean still divides by B · K · 2. A NaN coefficient gives NaN.
 *
 * @param loss - any loss.   @param bins - of `poseBins`.
 * @returns a loss that needs `pose`.
 * @throws {InvalidArgumentError} edges that do not increase, weights of another number or < 0, a call without `pose`.
 * @throws {ShapeError} `pose` does not fit the predictions.
 * @see Feng et al., CVPR 2018, section 5, arXiv:1711.06753. Deviations: weights, not copies; the same in expectation.
 * @example const loss = poseBalanced(createLoss("wing"), poseBins(coefficients));
 */
export function poseBalanced(loss: Loss, bins: PoseBins): Loss {
  checkLoss("poseBalanced", "loss", loss);
  checkOptions("poseBalanced", bins ?? {}, ["edges", "weights"]);
  const { edges, weights } = bins ?? ({} as PoseBins);
  if (
    !Array.isArray(edges) ||
    edges.length === 0 ||
    !edges.every((edge, i) => Number.isFinite(edge) && (i === 0 || edge > edges[i - 1]))
  )
    throw new InvalidArgumentError(
      "poseBalanced: edges must be finite, increasing numbers, at least one. Use poseBins.",
    );
  if (
    !Array.isArray(weights) ||
    weights.length !== edges.length + 1 ||
    !weights.every((w) => Number.isFinite(w) && w >= 0)
  )
    throw new InvalidArgumentError(
      `poseBalanced: weights must be ${edges.length + 1} finite numbers >= 0, one more than edges.`,
    );
  const steps = edges.map((_, i) => weights[i + 1] - weights[i]);
  const needs = [...new Set([...loss.needs, "pose" as const])];
  return makeLoss(
    "poseBalanced",
    { loss: specOf(loss), edges: [...edges], weights: [...weights] },
    needs,
    (predictions, targets, batch) =>
      tidy(() => {
        const pose = batch.pose as Tensor;
        const faces = predictions.shape[0]!;
        if (!("dataId" in pose) || pose.shape[0] !== faces || pose.rank < 1 || pose.rank > 2)
          throw new ShapeError(
            `poseBalanced: pose must be [${faces}] or [${faces}, M]; got [${pose.shape?.join(", ")}].`,
          );
        const first = pose.rank === 2 ? slice(pose, [0, 0], [faces, 1]) : reshape(pose, [faces, 1]);
        const isAbove = cast(greaterEqual(first, tensor2d(edges, [1, edges.length])), "float32");
        const stepped = sum(mul(isAbove, tensor2d(steps, [1, steps.length])), 1, true);
        // The product with 0 lets a NaN through, which would otherwise fall into the first bin.
        const own = reshape(add(add(stepped, weights[0]), mul(first, 0)), [faces, 1, 1]);
        const count = landmarkCountOf(predictions);
        return loss(predictions, targets, {
          ...batch,
          weights: timesBatchWeights("poseBalanced", own, batch.weights, count),
        });
      }),
  );
}
