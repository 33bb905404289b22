import { checkSimilarity } from "./internal/check-similarity.js";
import type { Similarity } from "./similarity-between.js";

/**
 * The similarity that undoes another.
 *
 * @throws {InvalidArgumentError} the similarity is not finite or scale <= 0.
 * @example applySimilarity(invertSimilarity(s), applySimilarity(s, shape)); // shape again
 */
export function invertSimilarity(similarity: Similarity): Similarity {
  checkSimilarity("invertSimilarity", similarity);
  const { scale, rotationRadians, translation } = similarity;
  const [x, y] = translation;
  const [cos, sin] = [Math.cos(rotationRadians) / scale, Math.sin(rotationRadians) / scale];
  return {
    scale: 1 / scale,
    rotationRadians: -rotationRadians,
    translation: [-cos * x - sin * y, sin * x - cos * y],
  };
}
