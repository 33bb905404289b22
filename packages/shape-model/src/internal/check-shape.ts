import { InvalidArgumentError, ShapeError } from "@acr/core";

/** Refuses a shape of another length than expected, or one that holds a number that is not finite. */
export function checkShape(caller: string, name: string, shape: ArrayLike<number>, length: number): void {
  if (shape?.length !== length) {
    throw new ShapeError(`${caller}: ${name} must have ${length} numbers; got ${shape?.length ?? "none"}.`);
  }
  for (let q = 0; q < length; q++) {
    if (!Number.isFinite(shape[q]!)) {
      throw new InvalidArgumentError(`${caller}: ${name}[${q}] must be finite; got ${shape[q]}.`);
    }
  }
}
