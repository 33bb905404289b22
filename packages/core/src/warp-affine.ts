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
 * Resamples a picture through an affine map, bilinearly, each weight rounded to 1/2048: within 0.7 grey levels of the exact
 * value, the 0.5 of its own rounding included.
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
  const data = new Uint8Array(width * height * 3);
  // Fixed-point positions must fit 32 bits.
  const isSmall = image.width < 1 << 19 && image.height < 1 << 19 && image.data.length < 2 ** 31;
  const line = { image, data, border, a, d, x: 0, y: 0, o: 0 };
  for (let row = 0; row < height; row++) {
    line.x = b * row + c;
    line.y = e * row + f;
    line.o = row * width * 3;
    // Of each row a span lies wholly within the source; there the four neighbours need no checks.
    const [across, acrossEnd] = within({ slope: a, start: line.x, high: image.width - 1 - 1 / 2048, count: width });
    const [down, downEnd] = within({ slope: d, start: line.y, high: image.height - 1 - 1 / 2048, count: width });
    const first = Math.max(across, down);
    const end = isSmall ? Math.max(first, Math.min(acrossEnd, downEnd)) : first;
    blendRim(line, 0, first);
    blendWithin(line, first, end);
    blendRim(line, end, width);
  }
  return { width, height, data };
}

/** A row of the output: its pixel i samples the source at (a · i + x, d · i + y) and starts at data[o + 3 · i]. */
interface Line {
  image: RgbImage;
  data: Uint8Array;
  border: "black" | "edge";
  a: number;
  d: number;
  x: number;
  y: number;
  o: number;
}

/** Columns first … end − 1, all of whose neighbours are there: 11-bit weights, whose products with a byte fit 31 bits. */
function blendWithin({ image, data, a, d, x, y, o: start }: Line, first: number, end: number): void {
  const source = image.data;
  const stride = (image.width * 3) | 0;
  const stepX = a * 2048;
  const stepY = d * 2048;
  const startX = x * 2048 + 0.5;
  const startY = y * 2048 + 0.5;
  for (let column = first | 0, o = (start + 3 * first) | 0, last = end | 0; column < last; column++, o += 3) {
    const fixedX = (stepX * column + startX) | 0;
    const fixedY = (stepY * column + startY) | 0;
    const wx = fixedX & 2047;
    const wy = fixedY & 2047;
    const p = (Math.imul(fixedY >> 11, stride) + Math.imul(fixedX >> 11, 3)) | 0;
    const q = (p + stride) | 0;
    const w11 = Math.imul(wx, wy);
    const w10 = ((wx << 11) - w11) | 0;
    const w01 = ((wy << 11) - w11) | 0;
    const w00 = ((1 << 22) - (wx << 11) - w01) | 0;
    const red = Math.imul(source[p]!, w00) + Math.imul(source[p + 3]!, w10);
    data[o] = (red + Math.imul(source[q]!, w01) + Math.imul(source[q + 3]!, w11) + (1 << 21)) >> 22;
    const green = Math.imul(source[p + 1]!, w00) + Math.imul(source[p + 4]!, w10);
    data[o + 1] = (green + Math.imul(source[q + 1]!, w01) + Math.imul(source[q + 4]!, w11) + (1 << 21)) >> 22;
    const blue = Math.imul(source[p + 2]!, w00) + Math.imul(source[p + 5]!, w10);
    data[o + 2] = (blue + Math.imul(source[q + 2]!, w01) + Math.imul(source[q + 5]!, w11) + (1 << 21)) >> 22;
  }
}

/** First and end of the columns of [0, count) where 0 <= slope · column + start <= high; both are `count` where there are none. */
function within({
  slope,
  start,
  high,
  count,
}: {
  slope: number;
  start: number;
  high: number;
  count: number;
}): [number, number] {
  if (slope === 0) return start >= 0 && start <= high ? [0, count] : [count, count];
  const atZero = -start / slope;
  const atHigh = (high - start) / slope;
  let first = Math.max(0, Math.ceil(Math.min(atZero, atHigh)));
  let end = Math.min(count, Math.floor(Math.max(atZero, atHigh)) + 1);
  // NaN and rounding of the division: the ends themselves decide.
  const isIn = (column: number) => slope * column + start >= 0 && slope * column + start <= high;
  while (first < end && !isIn(first)) first++;
  while (first < end && !isIn(end - 1)) end--;
  return first < end ? [first, end] : [count, count];
}

/** Columns first … end − 1, where some of the four neighbours may be missing. */
function blendRim(
  { image, data, border, a, d, x: startX, y: startY, o: start }: Line,
  first: number,
  end: number,
): void {
  const { data: source, width, height } = image;
  const lastColumn = width - 1;
  const lastRow = height - 1;
  for (let column = first; column < end; column++) {
    let x = a * column + startX;
    let y = d * column + startY;
    if (border === "edge") {
      x = x < 0 ? 0 : x > lastColumn ? lastColumn : x;
      y = y < 0 ? 0 : y > lastRow ? lastRow : y;
    }
    const x0 = Math.floor(x);
    const y0 = Math.floor(y);
    if (!(x0 >= -1 && y0 >= -1 && x0 <= lastColumn && y0 <= lastRow)) continue;
    const wx = x - x0;
    const wy = y - y0;
    // Missing neighbours count as black; with "edge" their weight is zero.
    for (let channel = 0; channel < 3; channel++) {
      let sum = 0.5;
      for (let j = 0; j < 2; j++) {
        for (let i = 0; i < 2; i++) {
          const column2 = x0 + i;
          const row2 = y0 + j;
          if (column2 < 0 || row2 < 0 || column2 > lastColumn || row2 > lastRow) continue;
          sum += source[(row2 * width + column2) * 3 + channel]! * (i ? wx : 1 - wx) * (j ? wy : 1 - wy);
        }
      }
      data[start + 3 * column + channel] = sum;
    }
  }
}
