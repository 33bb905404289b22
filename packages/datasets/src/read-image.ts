import { checkOptions, type RgbImage } from "@acr/core";
import { checkDecoder } from "./internal/check-decoder.js";
import { decodeFile } from "./internal/decode-file.js";
import type { DecoderName } from "./internal/image-decoder.js";

/** Options of `readImage`. */
export interface ReadImageOptions {
  /** Default: sharp where it is installed, else jimp. */
  decoder?: DecoderName;
}

/**
 * Decodes a JPEG or PNG to RGB: upright (EXIF orientation applied), alpha dropped, grey, CMYK and 16-bit converted.
 * sharp does it where it is installed, jimp elsewhere; their results differ by one or two grey levels.
 *
 * @throws {DataFormatError} the file is unreadable, cut short, damaged, or larger than 100 megapixels.
 * @throws {InvalidArgumentError} an unknown decoder.
 * @example const { width, height, data } = await readImage("face.jpg");
 */
export async function readImage(file: string, options: ReadImageOptions = {}): Promise<RgbImage> {
  checkOptions("readImage", options, ["decoder"]);
  const { decoder } = options;
  checkDecoder("readImage", decoder);
  return decodeFile(file, decoder);
}
