import { InvalidArgumentError } from "@acr/core";

/**
 * The epochs at which successive halving compares trials: minEpochs · etaⁱ, below the last epoch, then the last epoch.
 *
 * @throws {InvalidArgumentError} a value is out of range.
 * @example halvingRungs({ minEpochs: 2, eta: 3, epochs: 20 }); // [2, 6, 18, 20]
 */
export function halvingRungs({ minEpochs, eta, epochs }: { minEpochs: number; eta: number; epochs: number }): number[] {
  if (!(minEpochs >= 1) || !(eta > 1) || !(epochs >= 1))
    throw new InvalidArgumentError(
      `halvingRungs: expected minEpochs >= 1, eta > 1, epochs >= 1; got ${minEpochs}, ${eta}, ${epochs}.`,
    );
  const rungs: number[] = [];
  for (let rung = minEpochs; Math.round(rung) < epochs; rung *= eta)
    if (rungs.at(-1) !== Math.round(rung)) rungs.push(Math.round(rung));
  return [...rungs, epochs];
}
