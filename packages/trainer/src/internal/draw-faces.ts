import { type RgbImage, warpAffine } from "@acr/core";

/** Crops with points on them. */
export interface DrawnFace {
  /** `[S, S, 3]`, 0–255. */
  image: ArrayLike<number>;
  /** Flat, `centered` frame. */
  target: ArrayLike<number>;
  predicted?: ArrayLike<number>;
}

// The colours of @acr/report, which the colour-blind can tell apart as well.
const BLUE = [0x56, 0xb4, 0xe9] as const;
const ORANGE = [0xe6, 0x9f, 0x00] as const;
const COLUMNS = 4;
/** Smaller crops are enlarged to about this side, or their points would cover the face. */
const CELL = 176;

/** A sheet of square crops, four a row: labels blue, predictions orange. */
export function drawFaces(faces: readonly DrawnFace[], imageSize: number): RgbImage {
  const zoom = Math.max(1, Math.round(CELL / imageSize));
  const cell = imageSize * zoom;
  const columns = Math.min(COLUMNS, faces.length);
  const width = columns * cell;
  const height = Math.ceil(faces.length / columns) * cell;
  const data = new Uint8ClampedArray(width * height * 3);
  const shift = (1 / zoom - 1) / 2;
  faces.forEach(({ image, target, predicted }, i) => {
    const left = (i % columns) * cell;
    const top = Math.floor(i / columns) * cell;
    const crop = { width: imageSize, height: imageSize, data: Uint8Array.from(image) };
    const view = warpAffine(crop, [1 / zoom, 0, shift, 0, 1 / zoom, shift], {
      width: cell,
      height: cell,
      border: "edge",
    });
    for (let y = 0; y < cell; y++)
      data.set(view.data.subarray(y * cell * 3, (y + 1) * cell * 3), ((top + y) * width + left) * 3);
    const dot = (points: ArrayLike<number>, color: readonly number[]) => {
      for (let k = 0; k < points.length; k += 2) {
        // Two by two pixels around the point, which a pixel's centre may miss by up to half a pixel.
        const x = Math.round((points[k]! + 0.5) * cell - 1);
        const y = Math.round((points[k + 1]! + 0.5) * cell - 1);
        for (const [px, py] of [
          [x, y],
          [x + 1, y],
          [x, y + 1],
          [x + 1, y + 1],
        ] as const)
          if (px >= 0 && py >= 0 && px < cell && py < cell) data.set(color, ((top + py) * width + left + px) * 3);
      }
    };
    dot(target, BLUE);
    if (predicted) dot(predicted, ORANGE);
  });
  return { width, height, data };
}
