import { InvalidArgumentError, ShapeError } from "@acr/core";
import {
  abs,
  cast,
  div,
  greater,
  matMul,
  max,
  maximum,
  minimum,
  mul,
  neg,
  reshape,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor3D,
  tensor2d,
  tidy,
} from "@tensorflow/tfjs-core";
import type { PointModel } from "./point-model.js";

/** Options of `difficultyTensor`. */
export interface DifficultyTensorOptions {
  /** The first this many modes, 0 … all. */
  modes: number;
  /** Default `"coordinate"`. */
  unit?: "coordinate" | "landmark";
  /** Coefficients are limited to ± this many standard deviations, > 0. Default 3. */
  clip?: number;
}

/** float32 leaves about this share of the face's size between a face and its own reconstruction. */
const SAME = 1e-6;

/** The first k modes as one row-major block, made once for each model and k. */
const BLOCKS = new WeakMap<
  PointModel,
  Map<number, { modes: Float32Array; limits: Float32Array; mean: Float32Array }>
>();

function blocksOf(model: PointModel, k: number) {
  let byCount = BLOCKS.get(model);
  if (!byCount) {
    byCount = new Map();
    BLOCKS.set(model, byCount);
  }
  let blocks = byCount.get(k);
  if (!blocks) {
    const modes = new Float32Array(k * model.mean.length);
    for (let i = 0; i < k; i++) modes.set(model.modes[i]!, i * model.mean.length);
    blocks = {
      modes,
      limits: Float32Array.from(model.eigenvalues.subarray(0, k), Math.sqrt),
      mean: Float32Array.from(model.mean),
    };
    byCount.set(k, blocks);
  }
  return blocks;
}

/**
 * Difficulty Φ of a batch (arXiv:2203.15835, Eqs. 2 to 4) on the current backend, in two matrix products, so that it can
 * follow augmented labels during training. Not differentiable: Φ is a constant to the loss.
 *
 * @param model - fitted on shapes of the same frame.   @param targets - `[B, K, 2]` or `[B, 2K]` true landmarks.
 * @returns `[B, K, 2]`, or `[B, K, 1]` with `unit: "landmark"`; values in [0, 1], 0 for a face that equals its smooth
 *   face to float32. Owned by the caller.
 * @throws {ShapeError} targets have another number of landmarks.   @throws {InvalidArgumentError} modes or clip out of range.
 * @example const difficulty = difficultyTensor(model, targets, { modes: 12 });
 */
export function difficultyTensor(model: PointModel, targets: Tensor, options: DifficultyTensorOptions): Tensor3D {
  const { modes: k, unit = "coordinate", clip = 3 } = options;
  const length = model.mean.length;
  const batch = targets.shape[0]!;
  if (targets.size !== batch * length) {
    throw new ShapeError(`difficultyTensor: targets must be [B, ${length / 2}, 2]; got [${targets.shape.join(", ")}].`);
  }
  if (!Number.isInteger(k) || k < 0 || k > model.modes.length) {
    throw new InvalidArgumentError(
      `difficultyTensor: modes must be an integer from 0 to ${model.modes.length}; got ${k}.`,
    );
  }
  if (!(clip > 0)) throw new InvalidArgumentError(`difficultyTensor: clip must be > 0; got ${clip}.`);
  return tidy(() => {
    const blocks = blocksOf(model, k);
    const centered = sub(reshape(targets, [batch, length]), tensor2d(blocks.mean, [1, length]));
    let residual: Tensor = centered;
    if (k > 0) {
      const modes = tensor2d(blocks.modes, [k, length]);
      const limits = tensor2d(
        blocks.limits.map((deviation) => clip * deviation),
        [1, k],
      );
      const coefficients = matMul(centered as never, modes, false, true);
      residual = sub(centered, matMul(maximum(minimum(coefficients, limits), neg(limits)) as never, modes));
    }
    const points = reshape(residual, [batch, length / 2, 2]);
    const distances = unit === "coordinate" ? abs(points) : sqrt(sum(square(points), 2, true));
    const largest = max(distances, [1, 2], true);
    const size = max(abs(reshape(targets, [batch, length / 2, 2])), [1, 2], true);
    const ratio = div(distances, maximum(largest, 1e-30));
    // A factor of 0 or 1 for each face rather than `where`: tfjs' does not broadcast.
    return mul(ratio, cast(greater(largest, mul(size, SAME)), "float32")) as Tensor3D;
  });
}
