import { checkOptions, InvalidArgumentError } from "@acr/core";
import { add, customGrad, mul, type Tensor, tidy } from "@tensorflow/tfjs-core";
import { checkLoss, makeLoss, specOf, unionOfNeeds } from "./internal/make-loss.js";
import type { Loss } from "./loss.js";

/** One part of a sum. */
export interface WeightedLoss {
  loss: Loss;
  /** Factor of the part, a finite number. Default 1. */
  weight?: number;
}

/**
 * The sum of some losses, each with a factor: Σᵢ wᵢ · lᵢ(predictions, targets).
 *
 * Every part gets the same batch and takes from it what it needs. Reduction and shapes are those of the parts.
 *
 * @param losses - at least one.
 * @returns a loss; its gradient is Σᵢ wᵢ · ∇lᵢ and needs no gradient of tfjs-core.
 * @throws {InvalidArgumentError} no part, a part that is no `{ loss, weight }`, or a weight that is not finite.
 * @example const loss = weightedSum([{ loss: createLoss("acr"), weight: 1 }, { loss: createLoss("l1"), weight: 0.1 }]);
 */
export function weightedSum(losses: readonly WeightedLoss[]): Loss {
  if (!Array.isArray(losses) || losses.length === 0)
    throw new InvalidArgumentError("weightedSum: losses must be an array of at least one { loss, weight }; got none.");
  const parts = losses.map((part: WeightedLoss, i) => {
    checkOptions(`weightedSum: losses[${i}]`, part, ["loss", "weight"]);
    const { loss, weight = 1 } = part;
    checkLoss("weightedSum", `losses[${i}].loss`, loss);
    if (typeof weight !== "number" || !Number.isFinite(weight))
      throw new InvalidArgumentError(
        `weightedSum: losses[${i}].weight must be a finite number; got ${String(weight)}.`,
      );
    return { loss, weight };
  });
  const options = { losses: parts.map(({ loss, weight }) => ({ ...specOf(loss), weight })) };
  const combine = customGrad((...args: unknown[]) => {
    const values = args.slice(0, -1) as Tensor[];
    return {
      value: values.map((value, i) => mul(value, parts[i]!.weight)).reduce((sum, term) => add(sum, term)),
      gradFunc: (dy: Tensor) => parts.map(({ weight }) => mul(dy, weight)),
    };
  });
  return makeLoss("weightedSum", options, unionOfNeeds(parts.map(({ loss }) => loss)), (predictions, targets, batch) =>
    tidy(() => combine(...parts.map(({ loss }) => loss(predictions, targets, batch)))),
  );
}
