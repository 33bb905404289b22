import type { Affine, RgbImage } from "@acr/core";
import { type AxisWeights, tentWeights } from "./tent-weights.js";

/**
 * Resamples through a map that turns nothing, columns and rows by themselves: a mean under a tent as wide as an output pixel's
 * share of the source demands (as Pillow's, torchvision's and libvips' linear resizing), plain bilinear where nothing shrinks.
 *
 * @param outputToSource - [a, 0, c, 0, e, f]; a or e may be negative, which mirrors.
 */
export function sampleUpright(
  { width, height, data: source }: RgbImage,
  [a, , c, , e, f]: Affine,
  { size, border }: { size: number; border: "black" | "edge" },
): RgbImage {
  const data = new Uint8Array(size * size * 3);
  const across = tentWeights({ count: size, scale: a, offset: c, length: width, border });
  const down = tentWeights({ count: size, scale: e, offset: f, length: height, border });
  let left = width;
  let right = 0;
  for (let i = 0; i < size; i++) {
    if (across.count[i] === 0) continue;
    left = Math.min(left, across.first[i]!);
    right = Math.max(right, across.first[i]! + across.count[i]!);
  }
  // Columns first: neighbours in memory, and fewer rows are left for the other pass. Not rounded between the two.
  const line = new Float64Array(Math.max(0, right - left) * 3);
  for (let row = 0; row < size; row++) {
    if (down.count[row] === 0) continue;
    blendRows(line, source, { down, row, left, width });
    blendColumns(data, line, { across, start: row * size * 3, left });
  }
  return { width: size, height: size, data };
}

/** The weighted sum of the source rows of one output row, four at a time. */
function blendRows(
  line: Float64Array,
  source: RgbImage["data"],
  { down, row, left, width }: { down: AxisWeights; row: number; left: number; width: number },
): void {
  const stride = 3 * width;
  const count = down.count[row]!;
  const weights = down.weights.subarray(row * down.taps, row * down.taps + count);
  const start = down.first[row]! * stride + 3 * left;
  for (let k = 0; k < count; k += 4) {
    // What is missing of four is the first again, with no weight.
    const p0 = start + k * stride;
    const p1 = k + 1 < count ? p0 + stride : p0;
    const p2 = k + 2 < count ? p1 + stride : p0;
    const p3 = k + 3 < count ? p2 + stride : p0;
    const w0 = weights[k]!;
    const w1 = k + 1 < count ? weights[k + 1]! : 0;
    const w2 = k + 2 < count ? weights[k + 2]! : 0;
    const w3 = k + 3 < count ? weights[k + 3]! : 0;
    if (k === 0)
      for (let j = 0; j < line.length; j++)
        line[j] = w0 * source[p0 + j]! + w1 * source[p1 + j]! + w2 * source[p2 + j]! + w3 * source[p3 + j]!;
    else
      for (let j = 0; j < line.length; j++)
        line[j] = line[j]! + w0 * source[p0 + j]! + w1 * source[p1 + j]! + w2 * source[p2 + j]! + w3 * source[p3 + j]!;
  }
}

/** One row of the output from the sums of its rows. */
function blendColumns(
  data: Uint8Array,
  line: Float64Array,
  { across, start, left }: { across: AxisWeights; start: number; left: number },
): void {
  const { first, count, weights, taps } = across;
  for (let i = 0, o = start; i < first.length; i++, o += 3) {
    let red = 0.5;
    let green = 0.5;
    let blue = 0.5;
    let p = (first[i]! - left) * 3;
    for (let k = i * taps, end = k + count[i]!; k < end; k++, p += 3) {
      const weight = weights[k]!;
      red += weight * line[p]!;
      green += weight * line[p + 1]!;
      blue += weight * line[p + 2]!;
    }
    // The weights sum to 1 up to rounding, so 255.5 may become a trifle more.
    data[o] = red < 255 ? red : 255;
    data[o + 1] = green < 255 ? green : 255;
    data[o + 2] = blue < 255 ? blue : 255;
  }
}
