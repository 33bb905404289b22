import {
  avgPool,
  clipByValue,
  max,
  mul,
  pad,
  reshape,
  softmax,
  type Tensor2D,
  type Tensor4D,
  tidy,
  transpose,
} from "@tensorflow/tfjs-core";

/** Cells on a side of the neighbourhood that counts as one place. */
const SIDE = 3;

/**
 * How much of each landmark's map lies in the 3×3 cells around its densest place.
 *
 * @param logits - [B, H, W, K]; their softmax over H·W is the map.
 * @returns [B, K] in [0, 1].
 */
export function mapConfidence(logits: Tensor4D): Tensor2D {
  return tidy(() => {
    const [batch, height, width, count] = logits.shape;
    const chances = softmax(reshape(transpose(logits, [0, 3, 1, 2]), [batch * count, height * width]));
    const maps = reshape(chances, [batch * count, height, width, 1]) as Tensor4D;
    const border: [number, number] = [1, 1];
    const padded = pad(maps, [[0, 0], border, border, [0, 0]]) as Tensor4D;
    const sums = mul(avgPool(padded, SIDE, 1, "valid"), SIDE * SIDE);
    return clipByValue(reshape(max(sums, [1, 2, 3]), [batch, count]), 0, 1) as Tensor2D;
  });
}
