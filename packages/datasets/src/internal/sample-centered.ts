import { type Affine, invertAffine, type RgbImage, warpAffine } from "@acr/core";
import { sampleTurned } from "./sample-turned.js";
import { sampleUpright } from "./sample-upright.js";

/** What lies outside the source. */
export type Border = "black" | "edge";

/** Turned pictures that shrink less are sampled bilinearly, as everyone does. */
const MILD = 2;
/** Turned pictures that shrink more are first averaged down in blocks, until `REST` or a little more is left. */
const COARSE = 8;
const REST = 4;

/**
 * Samples the `centered` square [−0.5, 0.5]² of a source at N × N pixels, N = imageSize: the centre of output pixel i
 * lies at (i + 0.5) / N − 0.5. What shrinks is averaged under a tent, so that nothing aliases; turned pictures that shrink
 * less than twofold are sampled bilinearly.
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
  const map: Affine = [a * step, b * step, (a + b) * first + c, d * step, e * step, (d + e) * first + f];
  // Less than a thousandth of a pixel over the whole crop is no turn.
  if (Math.abs(b) < 1e-3 && Math.abs(d) < 1e-3) return sampleUpright(source, map, { size: imageSize, border });
  const shrinkU = Math.hypot(a, d) * step;
  const shrinkV = Math.hypot(b, e) * step;
  if (Math.max(shrinkU, shrinkV) < MILD)
    return warpAffine(source, map, { width: imageSize, height: imageSize, border });
  // Stretched crops keep the detail of their finer axis; extremely stretched ones, which are no faces, need not.
  const shrink = Math.max(Math.min(shrinkU, shrinkV), Math.max(shrinkU, shrinkV) / 8);
  const blocks = shrink < COARSE ? 1 : Math.floor(shrink / REST);
  if (blocks === 1) return sampleTurned(source, map, { size: imageSize, border });
  // Only the part of the source that the crop can touch is averaged.
  const reachX = (Math.abs(a) + Math.abs(b)) / 2 + 2 * blocks;
  const reachY = (Math.abs(d) + Math.abs(e)) / 2 + 2 * blocks;
  const [columns, rows] = [Math.ceil(source.width / blocks), Math.ceil(source.height / blocks)];
  const left = clamp(Math.floor((c - reachX) / blocks), 0, columns - 1);
  const top = clamp(Math.floor((f - reachY) / blocks), 0, rows - 1);
  const right = clamp(Math.ceil((c + reachX) / blocks), left + 1, columns);
  const bottom = clamp(Math.ceil((f + reachY) / blocks), top + 1, rows);
  const small = averageBlocks(source, { blocks, left, top, right, bottom });
  // Pixel p of the source lies at (p + 0.5) / blocks − 0.5 of the smaller picture.
  const [p, q, r, s, t, u] = map;
  const toSmall: Affine = [
    p / blocks,
    q / blocks,
    (r + 0.5) / blocks - 0.5 - left,
    s / blocks,
    t / blocks,
    (u + 0.5) / blocks - 0.5 - top,
  ];
  return sampleTurned(small, toSmall, { size: imageSize, border });
}

const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value));

/** Means of blocks of the source; columns left … right − 1 and rows top … bottom − 1 of the block grid. */
function averageBlocks(
  { width, height, data: source }: RgbImage,
  { blocks, left, top, right, bottom }: { blocks: number; left: number; top: number; right: number; bottom: number },
): RgbImage {
  const [columns, rows] = [right - left, bottom - top];
  const data = new Uint8Array(columns * rows * 3);
  for (let row = 0, o = 0; row < rows; row++) {
    const y0 = (top + row) * blocks;
    const y1 = Math.min(height, y0 + blocks);
    for (let column = 0; column < columns; column++, o += 3) {
      const x0 = (left + column) * blocks;
      const x1 = Math.min(width, x0 + blocks);
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
