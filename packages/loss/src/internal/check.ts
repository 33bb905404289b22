import { checkOptions, InvalidArgumentError } from "@acr/core";
import type { Tensor } from "@tensorflow/tfjs-core";

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

/** Throws unless the option is a number > 0 that stays finite and > 0 in float32, where backends compute. */
export function checkPositive(functionName: string, option: string, value: unknown): void {
  if (typeof value !== "number" || !(Math.fround(value) > 0) || Math.fround(value) === Number.POSITIVE_INFINITY) {
    throw new InvalidArgumentError(`${functionName}: ${option} must be a finite number > 0; got ${String(value)}.`);
  }
}

/** Throws unless `x` is a tensor that still holds its numbers. */
export function checkTensor(functionName: string, name: string, x: unknown): asserts x is Tensor {
  if (!x || typeof x !== "object" || !("dataId" in x) || !("shape" in x) || (x as Tensor).isDisposed) {
    const kind = x === null ? "null" : Array.isArray(x) ? "an array" : typeof x;
    const got = (x as Partial<Tensor> | null | undefined)?.isDisposed ? "a disposed one" : kind;
    throw new InvalidArgumentError(`${functionName}: ${name} must be a tensor; got ${got}.`);
  }
}

/** Throws unless the dtype is float32. */
export function checkFloat(functionName: string, name: string, dtype: string): void {
  if (dtype !== "float32")
    throw new InvalidArgumentError(
      `${functionName}: ${name} must be float32; got ${dtype}. Use tf.cast(x, "float32").`,
    );
}
