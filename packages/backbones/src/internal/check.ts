import { InvalidArgumentError } from "@acr/core";

/** Smallest side that leaves one cell at stride 32. */
const MINIMUM_SIDE = 32;
/** No machine has the memory for the first map of a larger one. */
const MAXIMUM_SIDE = 16_384;

/** @returns [height, width]. */
export function checkInputSize(caller: string, name: string, value: unknown): [number, number] {
  const sides = Array.isArray(value) ? value : [value, value];
  if (
    sides.length === 2 &&
    sides.every((side) => Number.isInteger(side) && side >= MINIMUM_SIDE && side <= MAXIMUM_SIDE)
  )
    return [sides[0], sides[1]];
  if (sides.length === 2 && sides.every((side) => Number.isInteger(side) && side >= MINIMUM_SIDE)) {
    throw new InvalidArgumentError(`${caller}: ${name} must be at most ${MAXIMUM_SIDE}; got ${JSON.stringify(value)}.`);
  }
  throw new InvalidArgumentError(
    `${caller}: ${name} must be an integer >= ${MINIMUM_SIDE} or [height, width] of such; got ${JSON.stringify(value)}.`,
  );
}

export function checkOneOf(caller: string, name: string, value: unknown, valid: readonly string[]): void {
  if (valid.includes(value as string)) return;
  throw new InvalidArgumentError(
    `${caller}: ${name} must be ${valid.map((v) => `"${v}"`).join(" or ")}; got ${JSON.stringify(value)}.`,
  );
}

/** Rates and momenta lie in [0, 1). */
export function checkRange(caller: string, name: string, value: unknown): void {
  if (typeof value === "number" && value >= 0 && value < 1) return;
  throw new InvalidArgumentError(`${caller}: ${name} must be a number in [0, 1); got ${String(value)}.`);
}

export function checkEpsilon(caller: string, name: string, value: unknown): void {
  if (typeof value === "number" && value > 0 && Number.isFinite(value)) return;
  throw new InvalidArgumentError(`${caller}: ${name} must be a number > 0; got ${String(value)}.`);
}

export function checkSeed(caller: string, seed: unknown): void {
  if (typeof seed === "string" || Number.isFinite(seed)) return;
  throw new InvalidArgumentError(`${caller}: seed must be a finite number or a string; got ${String(seed)}.`);
}

export function checkBoolean(caller: string, name: string, value: unknown): void {
  if (typeof value === "boolean") return;
  throw new InvalidArgumentError(`${caller}: ${name} must be true or false; got ${JSON.stringify(value)}.`);
}
