import { InvalidArgumentError } from "@acr/core";
import type { PixelImage } from "../pixel-image.js";

/** A square grey picture. */
export interface GrayWindow {
  side: number;
  data: Float32Array;
}

/** Side of the window over that of the box. */
const MARGIN = 2;

/** Maps between source pixels and the window: window = (source − origin) · scale. */
export interface WindowFrame {
  scale: number;
  origin: readonly [number, number];
  side: number;
}

/** The window around a face box in which the box is `faceSize` pixels wide. */
export function windowFrame(caller: string, box: ArrayLike<number>, faceSize: number): WindowFrame {
  const [x0, y0, x1, y1] = Array.from(box ?? []) as [number, number, number, number];
  const side = Math.sqrt((x1 - x0) * (y1 - y0));
  if (!(box?.length === 4 && x1 > x0 && y1 > y0 && Number.isFinite(side)))
    throw new InvalidArgumentError(
      `${caller}: box must be [x0, y0, x1, y1] with x1 > x0 and y1 > y0; got [${Array.from(box ?? []).join(", ")}].`,
    );
  const scale = faceSize / side;
  const half = (MARGIN * side) / 2;
  return { scale, origin: [(x0 + x1) / 2 - half, (y0 + y1) / 2 - half], side: Math.round(MARGIN * faceSize) };
}

/** A shape in the window's frame. */
export const toWindow = (shape: ArrayLike<number>, { scale, origin }: WindowFrame) =>
  Float64Array.from(shape, (value, q) => (value - origin[q % 2]!) * scale);

/** A shape back in source pixels. */
export const fromWindow = (shape: ArrayLike<number>, { scale, origin }: WindowFrame) =>
  Float64Array.from(shape, (value, q) => value / scale + origin[q % 2]!);

/** Resamples a picture's luma into the window; the picture's rim is repeated outside. */
export function sampleWindow(caller: string, image: PixelImage, { scale, origin, side }: WindowFrame): GrayWindow {
  const { width, height, data } = image ?? {};
  const channels = data?.length / (width * height);
  if (!(width > 0 && height > 0 && (channels === 1 || channels === 3 || channels === 4)))
    throw new InvalidArgumentError(
      `${caller}: image must hold 1, 3 or 4 bytes a pixel; got ${data?.length ?? "no"} bytes for ${width} x ${height}.`,
    );
  const luma =
    channels === 1
      ? (p: number) => data[p]!
      : (p: number) => 0.299 * data[p * channels]! + 0.587 * data[p * channels + 1]! + 0.114 * data[p * channels + 2]!;
  const step = 1 / scale;
  // Shrinking averages several source pixels, so that nothing aliases.
  const taps = Math.max(1, Math.ceil(step));
  const pixels = new Float32Array(side * side);
  const at = (x: number, y: number) => {
    const cx = Math.min(width - 1, Math.max(0, x));
    const cy = Math.min(height - 1, Math.max(0, y));
    const [x0, y0] = [Math.floor(cx), Math.floor(cy)];
    const [x1, y1] = [Math.min(width - 1, x0 + 1), Math.min(height - 1, y0 + 1)];
    const [wx, wy] = [cx - x0, cy - y0];
    return (
      (1 - wy) * ((1 - wx) * luma(y0 * width + x0) + wx * luma(y0 * width + x1)) +
      wy * ((1 - wx) * luma(y1 * width + x0) + wx * luma(y1 * width + x1))
    );
  };
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      let sum = 0;
      for (let j = 0; j < taps; j++)
        for (let i = 0; i < taps; i++) {
          const dx = (i + 0.5) / taps - 0.5;
          const dy = (j + 0.5) / taps - 0.5;
          sum += at(origin[0] + (column + dx) * step, origin[1] + (row + dy) * step);
        }
      pixels[row * side + column] = sum / (taps * taps);
    }
  }
  return { side, data: pixels };
}

/** Half the size, by means of 2 × 2: pixel p of the result lies at 2p + 0.5. */
export function halve({ side, data }: GrayWindow): GrayWindow {
  const half = Math.floor(side / 2);
  const result = new Float32Array(half * half);
  for (let y = 0; y < half; y++)
    for (let x = 0; x < half; x++) {
      const p = 2 * y * side + 2 * x;
      result[y * half + x] = (data[p]! + data[p + 1]! + data[p + side]! + data[p + side + 1]!) / 4;
    }
  return { side: half, data: result };
}

/** Bilinear; the rim is repeated. */
export function sampleGray({ side, data }: GrayWindow, x: number, y: number): number {
  const last = side - 1.001;
  const cx = x < 0 ? 0 : x > last ? last : x;
  const cy = y < 0 ? 0 : y > last ? last : y;
  const [x0, y0] = [cx | 0, cy | 0];
  const [wx, wy] = [cx - x0, cy - y0];
  const p = y0 * side + x0;
  return (
    (1 - wy) * ((1 - wx) * data[p]! + wx * data[p + 1]!) + wy * ((1 - wx) * data[p + side]! + wx * data[p + side + 1]!)
  );
}
