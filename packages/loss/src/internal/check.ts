import { checkOptions, InvalidArgumentError } from "@acr/core";

/** How the losses of all coordinates become the result. */
export type Reduction = "mean" | "sum" | "none";

const REDUCTIONS: readonly unknown[] = ["mean", "sum", "none"];

/** Throws on an option that the loss does not know, or a reduction that is none. */
export function checkLossOptions(functionName: string, options: object, own: readonly string[]): void {
  checkOptions(functionName, options, [...own, "reduction", "weights"]);
  checkReduction(functionName, (options as { reduction?: unknown }).reduction);
}

/** Throws unless the reduction is one, or absent. */
export function checkReduction(functionName: string, reduction: unknown): void {
  if (reduction !== undefined && !REDUCTIONS.includes(reduction)) {
    throw new InvalidArgumentError(
      `${functionName}: reduction must be "mean", "sum" or "none"; got ${JSON.stringify(reduction)}.`,
    );
  }
}

/** Throws unless the option is a finite number that is > 0. */
export function checkPositive(functionName: string, option: string, value: unknown): void {
  if (typeof value !== "number" || !Number.isFinite(value) || value <= 0) {
    throw new InvalidArgumentError(`${functionName}: ${option} must be a finite number > 0; got ${String(value)}.`);
  }
}
