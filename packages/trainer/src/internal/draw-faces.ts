import type { RgbImage } from "@acr/core";

/** Crops with points on them. */
export interface DrawnFace {
  /** `[S, S, 3]`, 0–255. */
  image: ArrayLike<number>;
  /** Flat, `centered` frame. */
  target: ArrayLike<number>;
  predicted?: ArrayLike<number>;
}

const GREEN = [60, 220, 60] as const;
const RED = [255, 50, 50] as const;
const COLUMNS = 4;

/** A sheet of square crops, four a row: labels green, predictions red. */
export function drawFaces(faces: readonly DrawnFace[], imageSize: number): RgbImage {
  const columns = Math.min(COLUMNS, faces.length);
  const width = columns * imageSize;
  const height = Math.ceil(faces.length / columns) * imageSize;
  const data = new Uint8ClampedArray(width * height * 3);
  faces.forEach(({ image, target, predicted }, i) => {
    const left = (i % columns) * imageSize;
    const top = Math.floor(i / columns) * imageSize;
    for (let y = 0; y < imageSize; y++) {
      for (let x = 0; x < imageSize * 3; x++) data[((top + y) * width + left) * 3 + x] = image[y * imageSize * 3 + x]!;
    }
    const dot = (points: ArrayLike<number>, color: readonly number[]) => {
      for (let k = 0; k < points.length; k += 2) {
        const x = Math.round((points[k]! + 0.5) * imageSize - 0.5);
        const y = Math.round((points[k + 1]! + 0.5) * imageSize - 0.5);
        if (x >= 0 && y >= 0 && x < imageSize && y < imageSize) data.set(color, ((top + y) * width + left + x) * 3);
      }
    };
    dot(target, GREEN);
    if (predicted) dot(predicted, RED);
  });
  return { width, height, data };
}
