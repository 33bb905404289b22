import { ShapeError } from "@acr/core";
import { checkSimilarity } from "./internal/check-similarity.js";
import type { Similarity } from "./similarity-between.js";

/**
 * Moves every point of a shape by a similarity: `p ↦ scale · R · p + translation`.
 *
 * @param similarity - as `similarityBetween` gives it.   @param shape - flat `[x0, y0, …]`.
 * @returns a new shape. A point that is NaN stays NaN, so that unseen landmarks can be moved along.
 * @throws {ShapeError} the shape is empty or of odd length.   @throws {InvalidArgumentError} the similarity is not finite or scale <= 0.
 * @example applySimilarity({ scale: 2, rotationRadians: 0, translation: [1, 0] }, [1, 1]); // [3, 2]
 */
export function applySimilarity(similarity: Similarity, shape: ArrayLike<number>): Float64Array {
  checkSimilarity("applySimilarity", similarity);
  const { scale, rotationRadians, translation } = similarity;
  if (!(shape?.length > 0 && shape.length % 2 === 0)) {
    throw new ShapeError(`applySimilarity: shape must hold 2K numbers; got ${shape?.length ?? "none"}.`);
  }
  const [cos, sin] = [scale * Math.cos(rotationRadians), scale * Math.sin(rotationRadians)];
  const moved = new Float64Array(shape.length);
  for (let q = 0; q < shape.length; q += 2) {
    moved[q] = cos * shape[q]! - sin * shape[q + 1]! + translation[0];
    moved[q + 1] = sin * shape[q]! + cos * shape[q + 1]! + translation[1];
  }
  return moved;
}
