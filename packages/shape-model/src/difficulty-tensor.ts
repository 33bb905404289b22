import { checkOptions } from "@acr/core";
import { reshape, type Tensor, type Tensor2D, type Tensor3D, tidy } from "@tensorflow/tfjs-core";
import { checkTensorCall } from "./internal/check-tensor-call.js";
import { difficultyOfResidual } from "./internal/difficulty-of-residual.js";
import { modeTensors, smoothResidual } from "./internal/smooth-residual.js";
import type { PointModel } from "./point-model.js";

/** Options of `difficultyTensor`. */
export interface DifficultyTensorOptions {
  /** The first this many modes, 0 … all. */
  modes: number;
  /** Default `"coordinate"`. */
  unit?: "coordinate" | "landmark";
  /** Coefficients are limited to ± this many standard deviations, > 0; `false` for no limit. Default 3. */
  clip?: number | false;
}

/**
 * Difficulty Φ of a batch (arXiv:2203.15835, Eqs. 2 to 4) on the current backend, in two matrix products, so that it can
 * follow augmented labels during training. Not meant to be differentiated: Φ is a constant to the loss.
 *
 * Sends the modes to the backend at each call; `createDifficultyTensor` keeps them there.
 *
 * @param model - fitted on shapes of the same frame.   @param targets - `[B, K, 2]` or `[B, 2K]` true landmarks.
 * @returns `[B, K, 2]`, or `[B, K, 1]` with `unit: "landmark"`, which broadcasts; values in [0, 1], 0 for a face that
 *   equals its smooth face to float32. NaN in, NaN out. Owned by the caller.
 * @throws {ShapeError} targets have another number of landmarks.
 * @throws {InvalidArgumentError} modes, unit or clip out of range, an unknown option.
 * @example const difficulty = difficultyTensor(model, targets, { modes: 12 });
 */
export function difficultyTensor(model: PointModel, targets: Tensor, options: DifficultyTensorOptions): Tensor3D {
  checkOptions("difficultyTensor", options, ["modes", "unit", "clip"]);
  checkTensorCall("difficultyTensor", model, targets, options);
  const { modes, unit = "coordinate", clip = 3 } = options;
  return tidy(() => {
    const flat = reshape(targets, [targets.shape[0]!, model.mean.length]) as Tensor2D;
    return difficultyOfResidual(flat, smoothResidual(flat, modeTensors(model, modes, clip), clip), unit);
  });
}
