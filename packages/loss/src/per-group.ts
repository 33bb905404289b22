import { checkOptions, InvalidArgumentError, type LandmarkScheme, nearestNames, ShapeError } from "@acr/core";
import { tensor3d, tidy } from "@tensorflow/tfjs-core";
import { landmarkCountOf, timesBatchWeights } from "./internal/batch-weights.js";
import { checkLoss, makeLoss, specOf } from "./internal/make-loss.js";
import type { Loss } from "./loss.js";

export interface PerGroupOptions {
  /** Factor of landmarks in none of the groups that are named, >= 0. Default 1. */
  rest?: number;
}

const isWeight = (x: unknown): x is number => typeof x === "number" && Number.isFinite(x) && x >= 0;

/**
 * Weighs the parts of the face: the loss of each landmark is multiplied by the factor of its group.
 *
 * The mean still divides by B · K · 2. Weights of the batch multiply these.
 *
 * @param loss - any loss.
 * @param scheme - of `@acr/core`, or your own `{ id, landmarkCount, groups }`.
 * @param weights - factor of each group, >= 0, by name.
 * @throws {InvalidArgumentError} an unknown group (with the nearest valid one), a factor < 0 or not finite, or a landmark in
 *   two of the groups named.   @throws {ShapeError} a call with another number of landmarks than the scheme's.
 * @example const loss = perGroup(createLoss("acr"), ibug68, { jaw: 0.5, innerMouth: 2 });
 */
export function perGroup(
  loss: Loss,
  scheme: Pick<LandmarkScheme, "id" | "landmarkCount" | "groups">,
  weights: Readonly<Record<string, number>>,
  options: PerGroupOptions = {},
): Loss {
  checkLoss("perGroup", "loss", loss);
  checkOptions("perGroup", options, ["rest"]);
  const { rest = 1 } = options;
  if (!isWeight(rest))
    throw new InvalidArgumentError(`perGroup: rest must be a finite number >= 0; got ${String(rest)}.`);
  if (
    !scheme ||
    typeof scheme !== "object" ||
    !scheme.groups ||
    !(Number.isInteger(scheme.landmarkCount) && scheme.landmarkCount > 0)
  )
    throw new InvalidArgumentError("perGroup: scheme must be a landmark scheme with landmarkCount > 0 and groups.");
  if (!weights || typeof weights !== "object")
    throw new InvalidArgumentError(`perGroup: weights must be { group: factor }; got ${typeof weights}.`);
  const { id, landmarkCount, groups } = scheme;
  const factors = new Float32Array(landmarkCount).fill(rest);
  const owner = new Map<number, string>();
  for (const [group, weight] of Object.entries(weights)) {
    const indices = Object.hasOwn(groups, group) ? groups[group] : undefined;
    if (!indices) {
      const names = Object.keys(groups);
      const [nearest] = nearestNames(group, names, 1);
      const hint = nearest ? `; did you mean ${nearest}? Valid groups: ${names.join(", ")}.` : ", which has no groups.";
      throw new InvalidArgumentError(`perGroup: unknown group "${group}" of ${id}${hint}`);
    }
    const isIndex = (index: unknown) => Number.isInteger(index) && Number(index) >= 0 && Number(index) < landmarkCount;
    if (!Array.isArray(indices) || !indices.every(isIndex))
      throw new InvalidArgumentError(
        `perGroup: group ${group} of ${id} must be an array of landmarks from 0 to ${landmarkCount - 1}; got ${JSON.stringify(indices)}.`,
      );
    if (!isWeight(weight))
      throw new InvalidArgumentError(
        `perGroup: the weight of ${group} must be a finite number >= 0; got ${String(weight)}.`,
      );
    for (const index of indices) {
      if (owner.has(index))
        throw new InvalidArgumentError(`perGroup: landmark ${index} is in both ${owner.get(index)} and ${group}.`);
      owner.set(index, group);
      factors[index] = weight;
    }
  }
  const json = { loss: specOf(loss), scheme: { id, landmarkCount, groups }, weights: { ...weights }, rest };
  return makeLoss("perGroup", json, loss.needs, (predictions, targets, batch) => {
    const count = landmarkCountOf(predictions);
    if (count !== landmarkCount)
      throw new ShapeError(
        `perGroup: predictions must hold the ${landmarkCount} landmarks of ${id}; got [${predictions.shape.join(", ")}].`,
      );
    return tidy(() => {
      const own = tensor3d(factors, [1, landmarkCount, 1]);
      return loss(predictions, targets, {
        ...batch,
        weights: timesBatchWeights("perGroup", own, batch.weights, count),
      });
    });
  });
}
