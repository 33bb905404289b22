import { InvalidArgumentError } from "@acr/core";

/** Refuses what is no integer of a range. */
export function checkInteger(caller: string, name: string, value: number, low: number, high: number): void {
  if (!(Number.isInteger(value) && value >= low && value <= high))
    throw new InvalidArgumentError(`${caller}: ${name} must be an integer from ${low} to ${high}; got ${value}.`);
}
