import { lumaOf } from "./luma-of.js";
import { PIXEL_CHANGE_BYTES, PIXEL_CHANGE_LAYOUT } from "./pack-pixel-changes.js";
import { ShapeError } from "./shape-error.js";

const LEVELS = 256;

/**
 * Makes packed changes in place: what a device does with the same bytes, to the last bit.
 *
 * @param pixels - `[B, H, W, 3]`, row-major, 0–255.   @param changes - of `packPixelChanges`, B of them.
 * @param options.width - W in pixels.   @param options.height - H in pixels.
 * @throws {ShapeError} pixels or changes are of another size.
 * @example applyPixelChanges(batch.images, batch.changes, { width: 224, height: 224 });
 */
export function applyPixelChanges(
  pixels: Uint8Array | Uint8ClampedArray,
  changes: Uint8Array,
  { width, height }: { width: number; height: number },
): void {
  const size = width * height * 3;
  const count = pixels.length / size;
  if (!Number.isInteger(count) || changes.length !== count * PIXEL_CHANGE_BYTES) {
    throw new ShapeError(
      `applyPixelChanges: changes must be packed, ${PIXEL_CHANGE_BYTES} bytes for each [${height}, ${width}, 3] picture; got ${changes.length} for ${pixels.length} pixel values. Use packPixelChanges.`,
    );
  }
  for (let i = 0; i < count; i++) {
    const change = changes.subarray(i * PIXEL_CHANGE_BYTES, (i + 1) * PIXEL_CHANGE_BYTES);
    const picture = pixels.subarray(i * size, (i + 1) * size);
    for (let p = 0; p < size; p += 3) {
      picture[p] = change[picture[p]!]!;
      picture[p + 1] = change[LEVELS + picture[p + 1]!]!;
      picture[p + 2] = change[2 * LEVELS + picture[p + 2]!]!;
    }
    if (change[PIXEL_CHANGE_LAYOUT.grey]) {
      for (let p = 0; p < size; p += 3) picture.fill(lumaOf(picture[p]!, picture[p + 1]!, picture[p + 2]!), p, p + 3);
    }
    const view = new DataView(change.buffer, change.byteOffset + PIXEL_CHANGE_LAYOUT.block);
    const [left, top, right, bottom] = [0, 2, 4, 6].map((at) => view.getUint16(at, true)) as [
      number,
      number,
      number,
      number,
    ];
    const color = change.subarray(PIXEL_CHANGE_LAYOUT.color, PIXEL_CHANGE_LAYOUT.color + 3);
    for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) picture.set(color, (y * width + x) * 3);
  }
}
