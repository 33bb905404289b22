import type { RgbImage } from "@acr/core";
import { cropToPoints } from "./face-crop.js";

type Point = readonly [number, number, number];
const PREDICTED: Point = [0xe6, 0x9f, 0x00];
const TARGET: Point = [0x56, 0xb4, 0xe9];

/** Crops with points drawn on them, row by row on one picture. */
export function composeSheet(
  faces: readonly { image: RgbImage; predicted?: ArrayLike<number>; target?: ArrayLike<number> }[],
  { columns, cellSize }: { columns: number; cellSize: number },
): RgbImage {
  const width = columns * cellSize;
  const height = Math.ceil(faces.length / columns) * cellSize;
  const data = new Uint8Array(width * height * 3);
  const radius = Math.max(1, Math.round(cellSize / 110));
  faces.forEach(({ image, predicted, target }, index) => {
    const left = (index % columns) * cellSize;
    const top = Math.floor(index / columns) * cellSize;
    const view = cropToPoints(image, { predicted, target, size: cellSize });
    for (let y = 0; y < cellSize; y++)
      data.set(view.image.data.subarray(3 * y * cellSize, 3 * (y + 1) * cellSize), 3 * ((top + y) * width + left));
    for (const [points, color] of [
      [view.target, TARGET],
      [view.predicted, PREDICTED],
    ] as const) {
      for (let q = 0; points && q + 1 < points.length; q += 2) {
        for (let j = -radius; j <= radius; j++) {
          for (let i = -radius; i <= radius; i++) {
            const [x, y] = [Math.round(points[q]!) + i, Math.round(points[q + 1]!) + j];
            // Points never leave the cell of their face.
            if (i * i + j * j > radius * radius + 1 || !(x >= 0 && y >= 0 && x < cellSize && y < cellSize)) continue;
            data.set(color, 3 * ((top + y) * width + left + x));
          }
        }
      }
    }
  });
  return { width, height, data };
}
