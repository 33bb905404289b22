import { type Affine, invertAffine, type RgbImage, warpAffine } from "@acr/core";

/** What lies outside the source. */
export type Border = "black" | "edge";

/**
 * Samples the `centered` square [−0.5, 0.5]² of a source at N × N pixels, N = imageSize: the centre of output pixel i
 * lies at (i + 0.5) / N − 0.5. A source that shrinks twofold or more is first averaged down by the whole part of the
 * factor, so that nothing aliases; below that, bilinear sampling is enough.
 */
export function sampleCentered(
  source: RgbImage,
  sourceToCentered: Affine,
  imageSize: number,
  border: Border = "black",
): RgbImage {
  const [a, b, c, d, e, f] = invertAffine(sourceToCentered);
  const step = 1 / imageSize;
  const first = 0.5 * step - 0.5;
  const outputToSource: Affine = [a * step, b * step, (a + b) * first + c, d * step, e * step, (d + e) * first + f];
  const size = { width: imageSize, height: imageSize, border };
  // Source pixels that an output pixel spans along each source axis; a tiny slack keeps 1.9999… from being cut to 1.
  const shrinkX = Math.max(1, Math.floor(Math.hypot(a, b) * step + 1e-9));
  const shrinkY = Math.max(1, Math.floor(Math.hypot(d, e) * step + 1e-9));
  if (shrinkX === 1 && shrinkY === 1) return warpAffine(source, outputToSource, size);
  // Only the part of the source that the crop can touch is averaged.
  const reachX = (Math.abs(a) + Math.abs(b)) / 2 + 2 * shrinkX;
  const reachY = (Math.abs(d) + Math.abs(e)) / 2 + 2 * shrinkY;
  const left = clamp(Math.floor((c - reachX) / shrinkX), 0, Math.ceil(source.width / shrinkX) - 1);
  const top = clamp(Math.floor((f - reachY) / shrinkY), 0, Math.ceil(source.height / shrinkY) - 1);
  const right = clamp(Math.ceil((c + reachX) / shrinkX), left + 1, Math.ceil(source.width / shrinkX));
  const bottom = clamp(Math.ceil((f + reachY) / shrinkY), top + 1, Math.ceil(source.height / shrinkY));
  const small = averageBlocks(source, { shrinkX, shrinkY, left, top, right, bottom });
  // Pixel p of the source lies at (p + 0.5) / shrink − 0.5 of the smaller picture.
  const [p, q, r, s, t, u] = outputToSource;
  const toSmall: Affine = [
    p / shrinkX,
    q / shrinkX,
    (r + 0.5) / shrinkX - 0.5 - left,
    s / shrinkY,
    t / shrinkY,
    (u + 0.5) / shrinkY - 0.5 - top,
  ];
  return warpAffine(small, toSmall, size);
}

const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value));

/** Means of blocks; columns left … right − 1 and rows top … bottom − 1 of the block grid. */
function averageBlocks(
  { width, height, data: source }: RgbImage,
  {
    shrinkX,
    shrinkY,
    left,
    top,
    right,
    bottom,
  }: { shrinkX: number; shrinkY: number; left: number; top: number; right: number; bottom: number },
): RgbImage {
  const [columns, rows] = [right - left, bottom - top];
  const data = new Uint8Array(columns * rows * 3);
  for (let row = 0, o = 0; row < rows; row++) {
    const y0 = (top + row) * shrinkY;
    const y1 = Math.min(height, y0 + shrinkY);
    for (let column = 0; column < columns; column++, o += 3) {
      const x0 = (left + column) * shrinkX;
      const x1 = Math.min(width, x0 + shrinkX);
      let [red, green, blue] = [0, 0, 0];
      for (let y = y0; y < y1; y++) {
        for (let i = (y * width + x0) * 3, end = (y * width + x1) * 3; i < end; i += 3) {
          red += source[i]!;
          green += source[i + 1]!;
          blue += source[i + 2]!;
        }
      }
      const count = (x1 - x0) * (y1 - y0);
      data[o] = red / count + 0.5;
      data[o + 1] = green / count + 0.5;
      data[o + 2] = blue / count + 0.5;
    }
  }
  return { width: columns, height: rows, data };
}
