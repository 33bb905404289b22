import type { Box, RgbImage } from "@acr/core";
import { Jimp } from "jimp";

/** What is drawn over a picture; coordinates in its `pixel` frame. */
export interface OverlayOptions {
  /** Flat predicted landmarks: orange. */
  predicted?: ArrayLike<number>;
  /** Flat true landmarks: blue. */
  target?: ArrayLike<number>;
  box?: Box;
  /** Output pixels for each of the picture, a positive integer. Default 1. */
  scale?: number;
}

/** Okabe and Ito's orange and blue, told apart by every kind of colour vision. */
const PREDICTED = 0xe69f00ff;
const TARGET = 0x56b4e9ff;
const BOX = 0xffffffff;

/**
 * A picture with landmarks drawn over it, as PNG.
 *
 * @example await writeFile("overlay.png", await renderOverlay(image, { predicted: landmarks }));
 */
export async function renderOverlay(
  image: RgbImage,
  { predicted, target, box, scale = 1 }: OverlayOptions,
): Promise<Uint8Array> {
  const canvas = new Jimp({ width: image.width * scale, height: image.height * scale, color: 0x000000ff });
  const rgba = canvas.bitmap.data;
  for (let y = 0; y < canvas.height; y++) {
    for (let x = 0; x < canvas.width; x++) {
      const from = (Math.floor(y / scale) * image.width + Math.floor(x / scale)) * 3;
      rgba.set(image.data.subarray(from, from + 3), (y * canvas.width + x) * 4);
    }
  }
  const dot = (x: number, y: number, color: number, radius: number) => {
    for (let j = -radius; j <= radius; j++) {
      for (let i = -radius; i <= radius; i++) {
        const [px, py] = [Math.round(x) + i, Math.round(y) + j];
        if (i * i + j * j > radius * radius + 1 || px < 0 || py < 0 || px >= canvas.width || py >= canvas.height)
          continue;
        canvas.setPixelColor(color, px, py);
      }
    }
  };
  const place = (value: number) => (value + 0.5) * scale - 0.5;
  const radius = Math.max(1, Math.round(canvas.width / 160));
  if (box) {
    const [x0, y0, x1, y1] = box.map(place) as [number, number, number, number];
    for (let x = x0; x <= x1; x++) for (const y of [y0, y1]) dot(x, y, BOX, 0);
    for (let y = y0; y <= y1; y++) for (const x of [x0, x1]) dot(x, y, BOX, 0);
  }
  for (const [points, color] of [
    [target, TARGET],
    [predicted, PREDICTED],
  ] as const) {
    for (let i = 0; points && i + 1 < points.length; i += 2)
      dot(place(points[i]!), place(points[i + 1]!), color, radius);
  }
  return new Uint8Array(await canvas.getBuffer("image/png"));
}
