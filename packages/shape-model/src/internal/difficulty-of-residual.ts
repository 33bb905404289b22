import {
  abs,
  cast,
  div,
  greater,
  max,
  maximum,
  mul,
  reshape,
  sqrt,
  square,
  sum,
  type Tensor,
  type Tensor3D,
} from "@tensorflow/tfjs-core";

/** float32 leaves about this share of the face's size between a face and its own reconstruction. */
const SAME = 1e-6;

/** Eq. 4 for a batch `[B, 2K]` of faces and their residuals. Call inside `tidy`. */
export function difficultyOfResidual(flat: Tensor, residual: Tensor, unit: "coordinate" | "landmark"): Tensor3D {
  const [batch, length] = flat.shape as [number, number];
  const points = reshape(residual, [batch, length / 2, 2]);
  const distances = unit === "coordinate" ? abs(points) : sqrt(sum(square(points), 2, true));
  const largest = max(distances, [1, 2], true);
  const size = reshape(max(abs(flat), 1), [batch, 1, 1]);
  const ratio = div(distances, maximum(largest, 1e-30));
  // A factor of 0 or 1 for each face rather than `where`: tfjs' does not broadcast.
  return mul(ratio, cast(greater(largest, mul(size, SAME)), "float32")) as Tensor3D;
}
