import type { RgbImage } from "@acr/core";

/** Four bytes a pixel, as Jimp and canvases have it. */
interface RgbaBitmap {
  width: number;
  height: number;
  data: ArrayLike<number>;
}

/** Drops alpha. */
export function toRgb({ width, height, data: rgba }: RgbaBitmap): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0, o = 0; o < data.length; i += 4, o += 3) {
    data[o] = rgba[i]!;
    data[o + 1] = rgba[i + 1]!;
    data[o + 2] = rgba[i + 2]!;
  }
  return { width, height, data };
}
