import { InvalidArgumentError } from "@acr/core";

/** What every summary of per-face errors demands. */
export function checkErrors(functionName: string, errors: ArrayLike<number>, threshold?: number): void {
  if (errors.length === 0)
    throw new InvalidArgumentError(`${functionName}: errors must hold at least one face; got none.`);
  for (let i = 0; i < errors.length; i++) {
    if (!Number.isFinite(errors[i]!))
      throw new InvalidArgumentError(`${functionName}: errors[${i}] must be finite; got ${errors[i]}.`);
  }
  if (threshold !== undefined && !(threshold > 0))
    throw new InvalidArgumentError(`${functionName}: threshold must be > 0; got ${threshold}.`);
}
