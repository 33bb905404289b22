import type { Affine, RgbImage } from "@acr/core";
import { tentWeights } from "./tent-weights.js";

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
  let [top, bottom] = [height, 0];
  for (let i = 0; i < size; i++) {
    if (down.count[i] === 0) continue;
    top = Math.min(top, down.first[i]!);
    bottom = Math.max(bottom, down.first[i]! + down.count[i]!);
  }
  if (top >= bottom) return { width: size, height: size, data };
  const stride = 3 * size;
  // Not rounded between the passes.
  const lines = new Float32Array((bottom - top) * stride);
  for (let row = top, o = 0; row < bottom; row++) {
    for (let i = 0; i < size; i++, o += 3) {
      let [red, green, blue] = [0, 0, 0];
      let p = (row * width + across.first[i]!) * 3;
      const place = i * across.taps;
      for (let k = place, end = place + across.count[i]!; k < end; k++, p += 3) {
        const weight = across.weights[k]!;
        red += weight * source[p]!;
        green += weight * source[p + 1]!;
        blue += weight * source[p + 2]!;
      }
      lines[o] = red;
      lines[o + 1] = green;
      lines[o + 2] = blue;
    }
  }
  const sums = new Float32Array(stride);
  for (let i = 0, o = 0; i < size; i++, o += stride) {
    sums.fill(0.5);
    const place = i * down.taps;
    let p = (down.first[i]! - top) * stride;
    for (let k = place, end = place + down.count[i]!; k < end; k++, p += stride) {
      const weight = down.weights[k]!;
      for (let j = 0; j < stride; j++) sums[j]! += weight * lines[p + j]!;
    }
    // Rounding may lift 255.5 by a trifle.
    for (let j = 0; j < stride; j++) data[o + j] = sums[j]! < 255 ? sums[j]! : 255;
  }
  return { width: size, height: size, data };
}
