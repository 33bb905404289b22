import { type Affine, type Box, checkOptions, InvalidArgumentError, type RgbImage } from "@acr/core";
import { type CropTransformOptions, cropTransform } from "./crop-transform.js";
import { sampleCentered } from "./internal/sample-centered.js";

/** Options of `cropImage`. */
export interface CropImageOptions extends CropTransformOptions {
  /** Side of the crop in pixels, an integer >= 1. */
  imageSize: number;
  /** What lies outside the source: black, or its nearest pixel. Default `"black"`. */
  border?: "black" | "edge";
}

/** A square crop and the map between frames. */
export interface Crop {
  image: RgbImage;
  /** Source `pixel` to `centered` coordinates. */
  sourceToCentered: Affine;
}

/**
 * Crops the face in a box; by default squared, side × 1.3. Output pixel i samples the source at x0 + (i + 0.5) · s / N;
 * pictures that shrink are averaged under a tent of the output pixel's size, so that nothing aliases.
 *
 * @param box - face box in source pixels.
 * @throws {InvalidArgumentError} the box has no size, an option is out of range.
 * @example const { image, sourceToCentered } = cropImage(source, [40, 60, 200, 220], { imageSize: 112 });
 */
export function cropImage(source: RgbImage, box: Box, options: CropImageOptions): Crop {
  checkOptions("cropImage", options, ["imageSize", "border", "protocol", "enlargement", "random"]);
  const { imageSize, border, ...transform } = options;
  if (!Number.isInteger(imageSize) || imageSize < 1)
    throw new InvalidArgumentError(`cropImage: imageSize must be an integer >= 1; got ${imageSize}.`);
  const sourceToCentered = cropTransform(box, transform);
  return { image: sampleCentered(source, sourceToCentered, imageSize, border), sourceToCentered };
}
