import { InvalidArgumentError } from "@acr/core";

/**
 * Holm's correction of p-values for many comparisons: the chance of even one false claim stays below the level that the
 * adjusted values are compared with.
 *
 *   sorted rising, pᵢ becomes max over j ≤ i of min(1, (m − j) · pⱼ), j from 0
 *
 * @param pValues - in any order.
 * @returns adjusted values in the same order, each at least as large as it was.
 * @throws {InvalidArgumentError} a value outside [0, 1].
 * @see Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6, 1979. Deviations: none.
 * @example holmAdjust([0.01, 0.04, 0.03]); // [0.03, 0.06, 0.06]
 */
export function holmAdjust(pValues: readonly number[]): number[] {
  pValues.forEach((value, i) => {
    if (!(value >= 0 && value <= 1))
      throw new InvalidArgumentError(`holmAdjust: pValues[${i}] must be in [0, 1]; got ${value}.`);
  });
  const order = [...pValues.keys()].sort((a, b) => pValues[a]! - pValues[b]!);
  const adjusted = new Array<number>(pValues.length);
  let largest = 0;
  order.forEach((index, j) => {
    largest = Math.max(largest, Math.min(1, (pValues.length - j) * pValues[index]!));
    adjusted[index] = largest;
  });
  return adjusted;
}
