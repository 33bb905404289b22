import { reshape, type Tensor, type Tensor3D } from "@tensorflow/tfjs-core";
import { ShapeError } from "./shape-error.js";

/**
 * Flat to paired coordinates: a tensor `[B, 2K]` becomes `[B, K, 2]` (`[B, K, 2]` passes through as a new tensor on
 * the same data), an array of 2K numbers becomes K pairs. The frame stays what it is.
 *
 * @throws {ShapeError} odd length, or a tensor of another rank.
 * @example toLandmarks([1, 2, 3, 4]); // [[1, 2], [3, 4]]
 */
export function toLandmarks(flat: Tensor): Tensor3D;
export function toLandmarks(flat: ArrayLike<number>): [number, number][];
export function toLandmarks(flat: Tensor | ArrayLike<number>): Tensor3D | [number, number][] {
  if ("dataId" in flat) {
    const [batch, length, last] = flat.shape;
    if (flat.rank === 3 && last === 2) return reshape(flat, [batch!, length!, 2]);
    if (flat.rank !== 2 || length! % 2 !== 0 || length === 0) {
      throw new ShapeError(`toLandmarks: flat must be [B, 2K]; got [${flat.shape.join(", ")}].`);
    }
    return reshape(flat, [batch!, length! / 2, 2]);
  }
  if (flat.length % 2 !== 0) throw new ShapeError(`toLandmarks: flat must hold 2K numbers; got ${flat.length}.`);
  return Array.from({ length: flat.length / 2 }, (_, k) => [flat[2 * k]!, flat[2 * k + 1]!]);
}
