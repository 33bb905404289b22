import { type Affine, type Box, InvalidArgumentError, invertAffine, type RgbImage, warpAffine } from "@acr/core";

/** A square crop and the map between frames. */
export interface Crop {
  image: RgbImage;
  /** Source `pixel` to `centered` coordinates. */
  sourceToCentered: Affine;
}

/** Side of the crop over the longer side of the box, in the `padded` protocol. */
export const PADDED_ENLARGEMENT = 1.3;

/**
 * The map from source pixels to the `centered` frame of the `padded` crop: the box squared about its centre and
 * enlarged. centered = (p − x0) / side − 0.5, with pixel centres on integers in the source.
 */
export function paddedCropTransform([x0, y0, x1, y1]: Box, enlargement = PADDED_ENLARGEMENT): Affine {
  const side = Math.max(x1 - x0, y1 - y0) * enlargement;
  if (!(side > 0) || !Number.isFinite(side))
    throw new InvalidArgumentError(`cropImage: box must have a positive size; got [${[x0, y0, x1, y1].join(", ")}].`);
  return [1 / side, 0, -(x0 + x1) / 2 / side, 0, 1 / side, -(y0 + y1) / 2 / side];
}

/**
 * Samples the `centered` square [−0.5, 0.5]² of a source at N × N pixels, N = imageSize: the centre of output pixel i
 * lies at (i + 0.5) / N − 0.5. Pictures that shrink more than twofold are first averaged down, so that nothing aliases.
 */
export function sampleCentered(source: RgbImage, sourceToCentered: Affine, imageSize: number): RgbImage {
  const [a, b, c, d, e, f] = invertAffine(sourceToCentered);
  const step = 1 / imageSize;
  const first = 0.5 * step - 0.5;
  const outputToSource: Affine = [
    a * step,
    b * step,
    a * first + b * first + c,
    d * step,
    e * step,
    d * first + e * first + f,
  ];
  const shrink = Math.floor(Math.hypot(outputToSource[0], outputToSource[3]));
  if (shrink < 2) return warpAffine(source, outputToSource, { width: imageSize, height: imageSize });
  const small = shrinkBy(source, shrink);
  // Pixel centre p of the source lies at (p + 0.5) / shrink − 0.5 of the smaller picture.
  const moved = outputToSource.map((value, i) =>
    i % 3 === 2 ? (value + 0.5) / shrink - 0.5 : value / shrink,
  ) as unknown as Affine;
  return warpAffine(small, moved, { width: imageSize, height: imageSize });
}

/** Means of factor × factor blocks. */
function shrinkBy({ width, height, data: source }: RgbImage, factor: number): RgbImage {
  const [w, h] = [Math.max(1, Math.floor(width / factor)), Math.max(1, Math.floor(height / factor))];
  const data = new Uint8Array(w * h * 3);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        let count = 0;
        for (let j = y * factor; j < Math.min(height, (y + 1) * factor); j++) {
          for (let i = x * factor; i < Math.min(width, (x + 1) * factor); i++) {
            sum += source[(j * width + i) * 3 + c]!;
            count++;
          }
        }
        data[(y * w + x) * 3 + c] = Math.round(sum / count);
      }
    }
  }
  return { width: w, height: h, data };
}

/**
 * Crops the face in a box by the `padded` protocol: squared, side × 1.3.
 *
 * @param box - face box in source pixels.   @param options.imageSize - side of the crop in pixels.
 * @throws {InvalidArgumentError} the box has no size, imageSize is not a positive integer.
 * @example const { image, sourceToCentered } = cropImage(source, [40, 60, 200, 220], { imageSize: 112 });
 */
export function cropImage(source: RgbImage, box: Box, { imageSize }: { imageSize: number }): Crop {
  if (!Number.isInteger(imageSize) || imageSize < 1)
    throw new InvalidArgumentError(`cropImage: imageSize must be an integer >= 1; got ${imageSize}.`);
  const sourceToCentered = paddedCropTransform(box);
  return { image: sampleCentered(source, sourceToCentered, imageSize), sourceToCentered };
}
