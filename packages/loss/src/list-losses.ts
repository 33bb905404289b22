import { LOSS_RULES } from "./internal/loss-rules.js";

/**
 * The names of the losses of single coordinates that `createLoss` knows. It knows the compositions too: `"weightedSum"`,
 * `"perGroup"`, `"withVisibility"`, `"poseBalanced"`, `"uncertaintyWeighted"`, whose options name other losses.
 *
 * @example listLosses(); // ["acr", "charbonnier", …]
 */
export function listLosses(): string[] {
  return Object.keys(LOSS_RULES);
}
