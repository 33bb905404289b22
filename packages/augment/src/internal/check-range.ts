import { InvalidArgumentError } from "@acr/core";

/** Throws unless low <= value <= high. */
export function checkRange(
  functionName: string,
  name: string,
  value: number,
  { low = 0, high = 1 }: { low?: number; high?: number } = {},
): void {
  if (!(value >= low && value <= high))
    throw new InvalidArgumentError(`${functionName}: ${name} must be in [${low}, ${high}]; got ${value}.`);
}
