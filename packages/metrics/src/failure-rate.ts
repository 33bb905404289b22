import { checkErrors } from "./internal/check-errors.js";

/**
 * Share of faces whose NME is strictly greater than the threshold.
 *
 * @param errors - NME of each face, as fractions.   @param options.threshold - a fraction. Default 0.1.
 * @returns a fraction in [0, 1].
 * @throws {InvalidArgumentError} no errors, one that is not finite, threshold <= 0.
 * @example failureRate([0.04, 0.2]); // 0.5
 */
export function failureRate(errors: ArrayLike<number>, { threshold = 0.1 }: { threshold?: number } = {}): number {
  checkErrors("failureRate", errors, threshold);
  let failures = 0;
  for (let i = 0; i < errors.length; i++) if (errors[i]! > threshold) failures++;
  return failures / errors.length;
}
