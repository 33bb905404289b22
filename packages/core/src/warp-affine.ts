import type { Affine } from "./affine.js";
import { InvalidArgumentError } from "./invalid-argument-error.js";
import type { RgbImage } from "./rgb-image.js";

/** Options of `warpAffine`. */
export interface WarpAffineOptions {
  /** Size of the output in pixels, integers >= 1. */
  width: number;
  height: number;
  /** What lies outside the source: black, or its nearest pixel. Default `"black"`. */
  border?: "black" | "edge";
}

/**
 * Resamples a picture through an affine map, bilinearly.
 *
 * @param image - source picture.
 * @param outputToSource - maps the *centre* of output pixel (column, row) to source `pixel` coordinates (pixel
 *   centres on integers in both).
 * @param options - size of the output and what lies outside the source.
 * @returns a new picture.
 * @throws {InvalidArgumentError} size is not a positive integer, or border is unknown.
 * @example warpAffine(image, [2, 0, 0.5, 0, 2, 0.5], { width: image.width / 2, height: image.height / 2 });
 */
export function warpAffine(
  image: RgbImage,
  outputToSource: Affine,
  { width, height, border = "black" }: WarpAffineOptions,
): RgbImage {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new InvalidArgumentError(`warpAffine: size must be positive integers; got ${width} x ${height}.`);
  }
  if (border !== "black" && border !== "edge") {
    throw new InvalidArgumentError(`warpAffine: border must be "black" or "edge"; got ${String(border)}.`);
  }
  const [a, b, c, d, e, f] = outputToSource;
  const { data: source, width: sourceWidth, height: sourceHeight } = image;
  const stride = sourceWidth * 3;
  const lastColumn = sourceWidth - 1;
  const lastRow = sourceHeight - 1;
  const data = new Uint8Array(width * height * 3);
  const edge = border === "edge";
  let o = 0;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++, o += 3) {
      let x = a * column + b * row + c;
      let y = d * column + e * row + f;
      if (edge) {
        x = x < 0 ? 0 : x > lastColumn ? lastColumn : x;
        y = y < 0 ? 0 : y > lastRow ? lastRow : y;
      }
      const x0 = Math.floor(x);
      const y0 = Math.floor(y);
      if (x0 < -1 || y0 < -1 || x0 > lastColumn || y0 > lastRow || Number.isNaN(x) || Number.isNaN(y)) continue;
      const wx = x - x0;
      const wy = y - y0;
      if (x0 >= 0 && y0 >= 0 && x0 < lastColumn && y0 < lastRow) {
        const p = y0 * stride + x0 * 3;
        const q = p + stride;
        const w11 = wx * wy;
        const w10 = wx - w11;
        const w01 = wy - w11;
        const w00 = 1 - wx - w01;
        data[o] = source[p]! * w00 + source[p + 3]! * w10 + source[q]! * w01 + source[q + 3]! * w11 + 0.5;
        data[o + 1] = source[p + 1]! * w00 + source[p + 4]! * w10 + source[q + 1]! * w01 + source[q + 4]! * w11 + 0.5;
        data[o + 2] = source[p + 2]! * w00 + source[p + 5]! * w10 + source[q + 2]! * w01 + source[q + 5]! * w11 + 0.5;
        continue;
      }
      // At the rim some of the four neighbours are missing and count as black; with "edge" their weight is zero.
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0.5;
        for (let j = 0; j < 2; j++) {
          for (let i = 0; i < 2; i++) {
            const column2 = x0 + i;
            const row2 = y0 + j;
            if (column2 < 0 || row2 < 0 || column2 > lastColumn || row2 > lastRow) continue;
            sum += source[row2 * stride + column2 * 3 + channel]! * (i ? wx : 1 - wx) * (j ? wy : 1 - wy);
          }
        }
        data[o + channel] = sum;
      }
    }
  }
  return { width, height, data };
}
