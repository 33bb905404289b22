import type { PhotometricChange, RgbImage } from "@acr/core";
import { deferrable } from "./deferrable.js";

/** 256 answers for each of the three channels, one after the other. */
export type ToneTables = Uint8ClampedArray;

/** A photometric draw that maps each channel through a table; neighbours of the kind become one table. */
export interface ToneChange extends PhotometricChange {
  /** `mean` gives the mean level of the picture at this point; asked for only where it is needed. */
  readonly tables: (mean: () => number) => ToneTables;
}

/** Makes a photometric draw out of tables. */
export function toneChange(tables: ToneChange["tables"]): ToneChange {
  const levelsFor = (image: RgbImage) => tables(() => meanLevel(image));
  const draw = deferrable({
    kind: "tones",
    apply: (image) => applyTones(image, levelsFor(image)),
    change: (image) => ({ levels: levelsFor(image) }),
  });
  return Object.assign(draw, { tables });
}

export const isToneChange = (photometric: PhotometricChange): photometric is ToneChange => "tables" in photometric;

/** Applies several in order, in one pass; exactly what one after the other gives. */
export function applyToneChanges(image: RgbImage, changes: readonly ToneChange[]): void {
  const tables = joinToneChanges(image, changes);
  if (tables) applyTones(image, tables);
}

/** Several in order as one table; `undefined` for none. */
export function joinToneChanges(image: RgbImage, changes: readonly ToneChange[]): ToneTables | undefined {
  let tables: ToneTables | undefined;
  for (const { tables: make } of changes) {
    const before = tables;
    const next = make(() => meanLevel(image, before));
    if (before) for (let i = 0; i < 768; i++) before[i] = next[(i & 0x300) | before[i]!]!;
    else tables = next;
  }
  return tables;
}

function applyTones({ data }: RgbImage, tables: ToneTables): void {
  for (let i = 0; i < data.length; i += 3) {
    data[i] = tables[data[i]!]!;
    data[i + 1] = tables[256 | data[i + 1]!]!;
    data[i + 2] = tables[512 | data[i + 2]!]!;
  }
}

/** Mean over all channels of all pixels, after the tables where there are some. */
function meanLevel({ data }: RgbImage, tables?: ToneTables): number {
  let sum = 0;
  if (tables) {
    for (let i = 0; i < data.length; i += 3)
      sum += tables[data[i]!]! + tables[256 | data[i + 1]!]! + tables[512 | data[i + 2]!]!;
    return sum / data.length;
  }
  // Four bytes at a time, in two lanes of 16 bits, emptied before they can overflow.
  const head = Math.min(data.length, (4 - (data.byteOffset & 3)) & 3);
  const words = new Uint32Array(data.buffer, data.byteOffset + head, (data.length - head) >> 2);
  for (let i = 0; i < head; i++) sum += data[i]!;
  for (let start = 0; start < words.length; start += 128) {
    let lanes = 0;
    for (let i = start, end = Math.min(words.length, start + 128); i < end; i++) {
      const word = words[i]!;
      lanes += (word & 0xff00ff) + ((word >>> 8) & 0xff00ff);
    }
    sum += (lanes & 0xffff) + (lanes >>> 16);
  }
  for (let i = head + 4 * words.length; i < data.length; i++) sum += data[i]!;
  return sum / data.length;
}
