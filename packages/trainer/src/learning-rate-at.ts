import type { Recipe } from "./recipe.js";

/**
 * The learning rate of a step. Constant: the recipe's. Cosine (Loshchilov and Hutter 2017, arXiv:1608.03983), with
 * linear warm-up:
 *
 *   lr · min(1, step / warmupSteps) · (finalFraction + (1 − finalFraction) · ½(1 + cos(π · step / totalSteps)))
 *
 * @param step - zero-based.
 * @example learningRateAt(parseRecipe({}), 500, 1000);
 */
export function learningRateAt(recipe: Recipe, step: number, totalSteps: number): number {
  const { learningRate, learningRateSchedule: schedule } = recipe;
  if (schedule.name === "constant") return learningRate;
  const warmup = schedule.warmupSteps > 0 ? Math.min(1, step / schedule.warmupSteps) : 1;
  const cosine = 0.5 * (1 + Math.cos((Math.PI * Math.min(step, totalSteps)) / totalSteps));
  return learningRate * warmup * (schedule.finalFraction + (1 - schedule.finalFraction) * cosine);
}
