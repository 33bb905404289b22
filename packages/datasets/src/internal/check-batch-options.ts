import { InvalidArgumentError } from "@acr/core";
import { type CropProtocol, checkProtocol } from "../crop-transform.js";
import { checkDecoder } from "./check-decoder.js";
import { checkWorkers } from "./check-workers.js";
import type { DecoderName } from "./image-decoder.js";

/** Checks what every maker of batches takes. */
export function checkBatchOptions(
  functionName: string,
  options: {
    batchSize: number;
    imageSize: number;
    protocol: CropProtocol;
    workers: number | undefined;
    decoder: DecoderName | undefined;
  },
): void {
  const { batchSize, imageSize, protocol, workers, decoder } = options;
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw new InvalidArgumentError(`${functionName}: batchSize must be an integer >= 1; got ${batchSize}.`);
  if (!Number.isInteger(imageSize) || imageSize < 1)
    throw new InvalidArgumentError(`${functionName}: imageSize must be an integer >= 1; got ${imageSize}.`);
  checkProtocol(functionName, protocol);
  checkWorkers(functionName, workers);
  checkDecoder(functionName, decoder);
}
