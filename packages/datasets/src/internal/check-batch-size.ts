import { InvalidArgumentError } from "@acr/core";

/** Checks what every batch maker takes. */
export function checkBatchSize(functionName: string, batchSize: number, imageSize: number): void {
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw new InvalidArgumentError(`${functionName}: batchSize must be an integer >= 1; got ${batchSize}.`);
  if (!Number.isInteger(imageSize) || imageSize < 1)
    throw new InvalidArgumentError(`${functionName}: imageSize must be an integer >= 1; got ${imageSize}.`);
}
