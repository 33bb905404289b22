import { InvalidArgumentError } from "@acr/core";

/** Checks the number of threads. */
export function checkWorkers(functionName: string, workers: number | undefined): void {
  if (workers !== undefined && !(Number.isInteger(workers) && workers >= 0 && workers <= 64))
    throw new InvalidArgumentError(`${functionName}: workers must be an integer from 0 to 64; got ${workers}.`);
}
