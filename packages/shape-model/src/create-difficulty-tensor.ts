import { checkOptions, InvalidArgumentError } from "@acr/core";
import { dispose, keep, reshape, type Tensor, type Tensor2D, type Tensor3D, tidy } from "@tensorflow/tfjs-core";
import type { DifficultyTensorOptions } from "./difficulty-tensor.js";
import { checkModel } from "./internal/check-model.js";
import { checkTensorCall } from "./internal/check-tensor-call.js";
import { difficultyOfResidual } from "./internal/difficulty-of-residual.js";
import { type ModeTensors, modeTensors, smoothResidual } from "./internal/smooth-residual.js";
import type { PointModel } from "./point-model.js";

/** Owner of a model's modes on the backend. */
export interface DifficultyTensor {
  /** As `difficultyTensor(model, targets, { modes, unit, clip })`. The caller owns the result. */
  compute(targets: Tensor, options: { modes: number }): Tensor3D;
  /** Frees the modes; may be called again. */
  dispose(): void;
}

/**
 * `difficultyTensor` for a training loop: the modes of a stage go to the backend once and stay there until the next
 * stage asks for another number of them, or until `dispose`.
 *
 * @param model - fitted on shapes of the same frame.   @param options.unit, options.clip - as for `difficultyTensor`.
 * @returns an owner of tensors; belongs to the backend that is current at its calls.
 * @throws {InvalidArgumentError} unit or clip out of range, an unknown option; `compute` after `dispose`.
 * @example
 * const difficulty = createDifficultyTensor(model, { unit: "landmark" });
 * const phi = difficulty.compute(targets, { modes: 12 });
 * difficulty.dispose();
 */
export function createDifficultyTensor(
  model: PointModel,
  options: Omit<DifficultyTensorOptions, "modes"> = {},
): DifficultyTensor {
  checkOptions("createDifficultyTensor", options, ["unit", "clip"]);
  checkModel("createDifficultyTensor", model);
  const { unit = "coordinate", clip = 3 } = options;
  let held: { modes: number; tensors: ModeTensors } | undefined;
  let isDisposed = false;
  const release = () => {
    if (held) dispose(Object.values(held.tensors) as Tensor[]);
    held = undefined;
  };
  return {
    compute(targets, computeOptions) {
      checkOptions("DifficultyTensor.compute", computeOptions, ["modes"]);
      const { modes } = computeOptions ?? ({} as { modes: number });
      if (isDisposed) throw new InvalidArgumentError("createDifficultyTensor: compute was called after dispose.");
      checkTensorCall("createDifficultyTensor", model, targets, { modes, unit, clip });
      if (held?.modes !== modes) {
        release();
        const tensors = modeTensors(model, modes, clip);
        // The caller's tidy must not take them away.
        for (const tensor of Object.values(tensors) as Tensor[]) keep(tensor);
        held = { modes, tensors };
      }
      const { tensors } = held;
      return tidy(() => {
        const flat = reshape(targets, [targets.shape[0]!, model.mean.length]) as Tensor2D;
        return difficultyOfResidual(flat, smoothResidual(flat, tensors, clip), unit);
      });
    },
    dispose() {
      isDisposed = true;
      release();
    },
  };
}
