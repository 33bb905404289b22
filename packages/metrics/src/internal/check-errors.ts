import { InvalidArgumentError } from "@acr/core";

/** What every summary of per-face errors demands. */
export function checkErrors(functionName: string, errors: ArrayLike<number>, threshold?: number): void {
  if (errors.length === 0)
    throw new InvalidArgumentError(`${functionName}: errors must hold at least one face; got none.`);
  for (let i = 0; i < errors.length; i++) {
    if (!Number.isFinite(errors[i]!))
      throw new InvalidArgumentError(`${functionName}: errors[${i}] must be finite; got ${errors[i]}.`);
  }
  if (threshold !== undefined) checkThreshold(functionName, "threshold", threshold);
}

/** A threshold that errors are compared with or divided by. */
export function checkThreshold(functionName: string, name: string, threshold: number): void {
  if (!(threshold > 0 && Number.isFinite(threshold)))
    throw new InvalidArgumentError(`${functionName}: ${name} must be > 0; got ${threshold}.`);
}
