import { checkErrors } from "./internal/check-errors.js";

/**
 * Area under the cumulative error distribution from 0 to the threshold, divided by the threshold: the exact integral
 * of the empirical curve, which is the mean of max(0, 1 − NME / threshold).
 *
 * @param errors - NME of each face, as fractions.   @param options.threshold - a fraction. Default 0.1.
 * @returns a number in [0, 1]; 1 is perfect.
 * @throws {InvalidArgumentError} no errors, one that is not finite, threshold <= 0.
 * @example auc([0.05, 0.2]); // 0.25
 */
export function auc(errors: ArrayLike<number>, { threshold = 0.1 }: { threshold?: number } = {}): number {
  checkErrors("auc", errors, threshold);
  let sum = 0;
  for (let i = 0; i < errors.length; i++) sum += Math.max(0, 1 - errors[i]! / threshold);
  return sum / errors.length;
}
