import { reshape, type Tensor, type Tensor2D } from "@tensorflow/tfjs-core";
import { ShapeError } from "./shape-error.js";

/**
 * Paired to flat coordinates, the inverse of `toLandmarks`: a tensor `[B, K, 2]` becomes `[B, 2K]` (`[B, 2K]` passes
 * through as a new tensor on the same data), K pairs become one Float64Array of 2K numbers.
 *
 * @throws {ShapeError} a point without exactly two coordinates, or a tensor of another rank.
 * @example toFlat([[1, 2], [3, 4]]); // Float64Array [1, 2, 3, 4]
 */
export function toFlat(landmarks: Tensor): Tensor2D;
export function toFlat(landmarks: readonly ArrayLike<number>[]): Float64Array;
export function toFlat(landmarks: Tensor | readonly ArrayLike<number>[]): Tensor2D | Float64Array {
  if ("dataId" in landmarks) {
    const [batch, count, last] = landmarks.shape;
    if (landmarks.rank === 2) return reshape(landmarks, [batch!, count!]);
    if (landmarks.rank !== 3 || last !== 2) {
      throw new ShapeError(`toFlat: landmarks must be [B, K, 2]; got [${landmarks.shape.join(", ")}].`);
    }
    return reshape(landmarks, [batch!, count! * 2]);
  }
  const flat = new Float64Array(landmarks.length * 2);
  landmarks.forEach((point, k) => {
    if (point.length !== 2) throw new ShapeError(`toFlat: point ${k} must have 2 coordinates; got ${point.length}.`);
    flat[2 * k] = point[0]!;
    flat[2 * k + 1] = point[1]!;
  });
  return flat;
}
