import { checkOptions, InvalidArgumentError } from "@acr/core";
import type { Tensor } from "@tensorflow/tfjs-core";
import type { Loss, LossBatch, LossNeed, LossSpec } from "../loss.js";
import { checkReduction, checkTensor } from "./check.js";

const BATCH_FIELDS = ["difficulty", "weights", "visibility", "pose", "reduction"];

/** Gives a function of a batch the fields of a `Loss`, and its calls their checks. */
export function makeLoss(
  lossName: string,
  options: object,
  needs: readonly LossNeed[],
  run: (predictions: Tensor, targets: Tensor, batch: LossBatch) => Tensor,
): Loss {
  const loss = (predictions: Tensor, targets: Tensor, batch: LossBatch = {}) => {
    checkOptions(`${lossName} loss`, batch, BATCH_FIELDS);
    checkReduction(`${lossName} loss`, batch.reduction);
    checkTensor(`${lossName} loss`, "predictions", predictions);
    checkTensor(`${lossName} loss`, "targets", targets);
    for (const need of needs) {
      if (!batch[need]) throw new InvalidArgumentError(`${lossName} loss: ${need} is required; got none.`);
      checkTensor(`${lossName} loss`, need, batch[need]);
    }
    return run(predictions, targets, batch);
  };
  return Object.assign(loss, {
    lossName,
    options: Object.freeze({ ...options }),
    needs: Object.freeze([...needs]),
    needsDifficulty: needs.includes("difficulty"),
  });
}

/** Throws unless `loss` is one of `createLoss` or of the compositions. */
export function checkLoss(functionName: string, argument: string, loss: unknown): asserts loss is Loss {
  if (typeof loss !== "function" || typeof (loss as Partial<Loss>).lossName !== "string") {
    throw new InvalidArgumentError(
      `${functionName}: ${argument} must be a loss of createLoss or of a composition; got ${typeof loss}.`,
    );
  }
}

/** The JSON form of a loss inside the options of another. */
export const specOf = (loss: Loss): LossSpec => ({ name: loss.lossName, options: loss.options });

/** What any of the losses needs. */
export const unionOfNeeds = (losses: readonly Loss[]): LossNeed[] => [...new Set(losses.flatMap((loss) => loss.needs))];
