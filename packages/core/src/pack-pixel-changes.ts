import type { PixelChange } from "./pixel-change.js";

/**
 * Bytes of a packed change: 768 levels, one that is 1 where the picture becomes grey, the block's red, green and blue, its
 * left, top, right and bottom as little-endian 16-bit numbers, and four that are 0. A multiple of four, for devices that read words.
 */
export const PIXEL_CHANGE_BYTES = 784;

/** Places within a packed change. */
export const PIXEL_CHANGE_LAYOUT = { grey: 768, color: 769, block: 772 } as const;

const LEVELS = 256;

/**
 * The changes of a batch as bytes, in the order of its pictures. A picture without a change keeps its levels.
 *
 * @param changes - one for each picture; `undefined` for none.
 * @returns `[B · PIXEL_CHANGE_BYTES]`. Owned by the caller.
 * @example const bytes = packPixelChanges([{ grey: true }, undefined]);
 */
export function packPixelChanges(changes: readonly (PixelChange | undefined)[]): Uint8Array {
  const bytes = new Uint8Array(changes.length * PIXEL_CHANGE_BYTES);
  const view = new DataView(bytes.buffer);
  changes.forEach((change, i) => {
    const start = i * PIXEL_CHANGE_BYTES;
    if (change?.levels) bytes.set(change.levels, start);
    else for (let level = 0; level < 3 * LEVELS; level++) bytes[start + level] = level;
    bytes[start + PIXEL_CHANGE_LAYOUT.grey] = change?.grey ? 1 : 0;
    if (!change?.block) return;
    const { left, top, right, bottom, color } = change.block;
    bytes.set(color, start + PIXEL_CHANGE_LAYOUT.color);
    [left, top, right, bottom].forEach((side, k) => {
      view.setUint16(start + PIXEL_CHANGE_LAYOUT.block + 2 * k, side, true);
    });
  });
  return bytes;
}
