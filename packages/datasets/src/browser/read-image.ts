import { DataFormatError, type RgbImage } from "@acr/core";
import { checkImageBytes } from "../internal/check-image-bytes.js";
import { toRgb } from "../internal/to-rgb.js";
import { type FileSource, nameOfSource } from "./image-source.js";
import { readSource } from "./read-source.js";

/**
 * Decodes a JPEG or PNG in the browser, as 8-bit RGB, turned upright by its EXIF orientation. `createImageBitmap` decodes off
 * the main thread where there is one, an `<img>` element elsewhere. Pixels differ from those of Node by what decoders of JPEG differ (a grey
 * level or two); where alpha is zero they are black.
 *
 * @param source - a `File`, a named blob, or an address.
 * @throws {DataFormatError} it cannot be fetched, is no whole JPEG or PNG, claims more than 100 megapixels, or does not decode.
 * @example const image = await readImage(input.files[0]);
 */
export async function readImage(source: FileSource): Promise<RgbImage> {
  const file = nameOfSource(source);
  const blob = await readSource(source);
  checkImageBytes(new Uint8Array(await blob.arrayBuffer()), file);
  const picture = await decode(blob).catch((cause) => {
    throw new DataFormatError(`cannot be decoded: ${(cause as Error).message}. Replace or remove it.`, { file, cause });
  });
  try {
    return pixelsOf(picture);
  } finally {
    if ("close" in picture) picture.close();
  }
}

type Decoded = ImageBitmap | HTMLImageElement;

async function decode(blob: Blob): Promise<Decoded> {
  if (typeof createImageBitmap === "function")
    return createImageBitmap(blob, { imageOrientation: "from-image", premultiplyAlpha: "none" });
  const url = URL.createObjectURL(blob);
  try {
    const element = new Image();
    element.src = url;
    await element.decode();
    return element;
  } finally {
    URL.revokeObjectURL(url);
  }
}

function pixelsOf(picture: Decoded): RgbImage {
  const [width, height] =
    "naturalWidth" in picture ? [picture.naturalWidth, picture.naturalHeight] : [picture.width, picture.height];
  const canvas =
    typeof OffscreenCanvas === "function"
      ? new OffscreenCanvas(width, height)
      : Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D;
  context.drawImage(picture, 0, 0);
  return toRgb(context.getImageData(0, 0, width, height));
}
