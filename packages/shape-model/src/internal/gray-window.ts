import { InvalidArgumentError } from "@acr/core";
import type { PixelImage } from "../pixel-image.js";
import type { WindowFrame } from "./window-frame.js";

/** A square grey picture. */
export interface GrayWindow {
  side: number;
  data: Float32Array;
}

/** A window wider than this many pictures holds no face. */
const LARGEST_WINDOW = 32;

/** Resamples a picture's luma into the window; the picture's rim is repeated outside. */
export function sampleWindow(caller: string, image: PixelImage, { scale, origin, side }: WindowFrame): GrayWindow {
  const { width, height, data } = image ?? {};
  const channels = data?.length / (width * height);
  if (!(width > 0 && height > 0 && (channels === 1 || channels === 3 || channels === 4)))
    throw new InvalidArgumentError(
      `${caller}: image must hold 1, 3 or 4 bytes a pixel; got ${data?.length ?? "no"} bytes for ${width} x ${height}.`,
    );
  // The box is the middle half of the window.
  const reach = side / scale;
  const overlaps = (start: number, size: number) => start + reach / 4 <= size - 1 && start + 0.75 * reach >= 0;
  if (!overlaps(origin[0], width) || !overlaps(origin[1], height))
    throw new InvalidArgumentError(
      `${caller}: box must overlap the picture of ${width} x ${height}; it lies beside it.`,
    );
  if (reach > LARGEST_WINDOW * Math.max(width, height))
    throw new InvalidArgumentError(`${caller}: box must not be far larger than the picture of ${width} x ${height}.`);
  // The window is upright, so columns and rows are resampled one after the other.
  const columns = axisTaps(origin[0], { step: 1 / scale, side, size: width });
  const rows = axisTaps(origin[1], { step: 1 / scale, side, size: height });
  const [left, right] = [columns.index[0]!, columns.index.at(-1)! + 1];
  const [top, bottom] = [rows.index[0]!, Math.min(height - 1, rows.index.at(-1)! + 1)];
  const luma = new Float32Array(width + 1);
  const narrow = new Float32Array((bottom - top + 1) * side);
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right && x < width; x++) {
      const p = (y * width + x) * channels;
      luma[x] = channels === 1 ? data[p]! : 0.299 * data[p]! + 0.587 * data[p + 1]! + 0.114 * data[p + 2]!;
    }
    const row = (y - top) * side;
    for (let i = 0, column = 0; column < side; column++) {
      let sum = 0;
      for (let tap = 0; tap < columns.taps; tap++, i++) {
        const x = columns.index[i]!;
        sum += luma[x]! + columns.share[i]! * (luma[x + 1]! - luma[x]!);
      }
      narrow[row + column] = sum;
    }
  }
  const pixels = new Float32Array(side * side);
  const factor = 1 / (columns.taps * rows.taps);
  for (let i = 0; i < rows.index.length; i++) {
    const to = Math.floor(i / rows.taps) * side;
    const share = factor * rows.share[i]!;
    const first = (rows.index[i]! - top) * side;
    // The share is 0 where there is no row below.
    const second = share > 0 ? first + side : first;
    for (let x = 0; x < side; x++)
      pixels[to + x]! += (factor - share) * narrow[first + x]! + share * narrow[second + x]!;
  }
  return { side, data: pixels };
}

/** Where the samples of one axis lie: `taps` for each pixel of the window, between source pixels index and index + 1. */
interface AxisTaps {
  taps: number;
  index: Int32Array;
  /** Of pixel index + 1; 0 at the last pixel. */
  share: Float32Array;
}

function axisTaps(origin: number, { step, side, size }: { step: number; side: number; size: number }): AxisTaps {
  // Shrinking averages several source pixels, so that nothing aliases.
  const taps = Math.max(1, Math.ceil(step));
  const index = new Int32Array(side * taps);
  const share = new Float32Array(side * taps);
  for (let i = 0; i < index.length; i++) {
    const offset = ((i % taps) + 0.5) / taps - 0.5;
    const place = origin + (Math.floor(i / taps) + offset) * step;
    const inside = Math.min(size - 1, Math.max(0, place));
    index[i] = inside;
    share[i] = inside - index[i]!;
  }
  return { taps, index, share };
}

/** Half the size, by means of 2 × 2: pixel p of the result lies at 2p + 0.5. */
export function halve({ side, data }: GrayWindow): GrayWindow {
  const half = side >> 1;
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
  const cx = Math.min(last, Math.max(0, x));
  const cy = Math.min(last, Math.max(0, y));
  const [x0, y0] = [cx | 0, cy | 0];
  const [wx, wy] = [cx - x0, cy - y0];
  const p = y0 * side + x0;
  return (
    (1 - wy) * ((1 - wx) * data[p]! + wx * data[p + 1]!) + wy * ((1 - wx) * data[p + side]! + wx * data[p + side + 1]!)
  );
}
