import { checkOptions } from "@acr/core";
import { reshape, sub, type Tensor, type Tensor2D, tidy } from "@tensorflow/tfjs-core";
import { checkTensorCall } from "./internal/check-tensor-call.js";
import { modeTensors, smoothResidual } from "./internal/smooth-residual.js";
import type { PointModel } from "./point-model.js";

/** Options of `smoothTensor`. */
export interface SmoothTensorOptions {
  /** The first this many modes, 0 … all. */
  modes: number;
  /** Coefficients are limited to ± this many standard deviations, > 0; `false` for no limit. Default 3. */
  clip?: number | false;
}

/**
 * Smooth faces of a batch (arXiv:2203.15835, Eqs. 2 and 3) on the current backend, in two matrix products.
 *
 * @param model - fitted on shapes of the same frame.   @param targets - `[B, K, 2]` or `[B, 2K]`.
 * @returns the shape of `targets`. Owned by the caller.
 * @throws {ShapeError} targets have another number of landmarks.
 * @throws {InvalidArgumentError} modes or clip out of range, an unknown option.
 * @example const smooth = smoothTensor(model, targets, { modes: 12 });
 */
export function smoothTensor<T extends Tensor>(model: PointModel, targets: T, options: SmoothTensorOptions): T {
  checkOptions("smoothTensor", options, ["modes", "clip"]);
  checkTensorCall("smoothTensor", model, targets, options);
  const { modes, clip = 3 } = options;
  return tidy(() => {
    const flat = reshape(targets, [targets.shape[0]!, model.mean.length]) as Tensor2D;
    return reshape(sub(flat, smoothResidual(flat, modeTensors(model, modes, clip), clip)), targets.shape) as T;
  });
}
