import type { Similarity } from "./similarity-between.js";

/**
 * The similarity that undoes another.
 *
 * @example applySimilarity(invertSimilarity(s), applySimilarity(s, shape)); // shape again
 */
export function invertSimilarity({ scale, rotationRadians, translation: [x, y] }: Similarity): Similarity {
  const [cos, sin] = [Math.cos(rotationRadians) / scale, Math.sin(rotationRadians) / scale];
  return {
    scale: 1 / scale,
    rotationRadians: -rotationRadians,
    translation: [-cos * x - sin * y, sin * x - cos * y],
  };
}
