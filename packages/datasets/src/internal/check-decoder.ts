import { InvalidArgumentError } from "@acr/core";
import type { DecoderName } from "./image-decoder.js";

/** Checks the name of a decoder. */
export function checkDecoder(functionName: string, decoder: DecoderName | undefined): void {
  if (decoder !== undefined && decoder !== "sharp" && decoder !== "jimp")
    throw new InvalidArgumentError(`${functionName}: decoder must be "sharp" or "jimp"; got ${String(decoder)}.`);
}
