import { readFile } from "node:fs/promises";
import { DataFormatError, type RgbImage } from "@acr/core";
import { checkImageBytes } from "./check-image-bytes.js";
import { createImageDecoder, type DecoderName } from "./image-decoder.js";

const decoders = new Map<DecoderName | undefined, ReturnType<typeof createImageDecoder>>();

/** Reads, checks and decodes a picture. */
export async function decodeFile(file: string, name?: DecoderName): Promise<RgbImage> {
  const bytes = await readFile(file).catch((cause) => {
    throw new DataFormatError("cannot be read; expected a picture.", { file, cause });
  });
  checkImageBytes(bytes, file);
  // Which decoder is installed does not change while a program runs.
  let decoder = decoders.get(name);
  if (!decoder) {
    decoder = createImageDecoder(name);
    decoders.set(name, decoder);
  }
  const { decode } = await decoder;
  return decode(bytes).catch((cause) => {
    const message = (cause as Error).message.replaceAll(/\s+/g, " ").trim();
    throw new DataFormatError(`cannot be decoded: ${message}. Replace or remove it.`, { file, cause });
  });
}
