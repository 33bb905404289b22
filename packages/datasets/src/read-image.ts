import { readFile } from "node:fs/promises";
import { DataFormatError, type RgbImage } from "@acr/core";
import { checkImageBytes } from "./internal/check-image-bytes.js";
import { createImageDecoder, type ImageDecoder } from "./internal/image-decoder.js";

let decoder: Promise<{ decode: ImageDecoder }> | undefined;

/**
 * Decodes a JPEG or PNG to RGB: upright (EXIF orientation applied), alpha dropped, grey, CMYK and 16-bit converted.
 * sharp does it where it is installed, jimp elsewhere; their results differ by one or two grey levels.
 *
 * @throws {DataFormatError} the file is unreadable, cut short, damaged, or larger than 100 megapixels.
 * @example const { width, height, data } = await readImage("face.jpg");
 */
export async function readImage(file: string): Promise<RgbImage> {
  const bytes = await readFile(file).catch((cause) => {
    throw new DataFormatError("cannot be read; expected a picture.", { file, cause });
  });
  checkImageBytes(bytes, file);
  // Which decoder is installed does not change while a program runs.
  decoder ??= createImageDecoder();
  const { decode } = await decoder;
  return decode(bytes).catch((cause) => {
    throw new DataFormatError(`cannot be decoded: ${(cause as Error).message}. Replace or remove it.`, { file, cause });
  });
}
