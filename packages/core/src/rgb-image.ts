/** An 8-bit colour picture: `data` holds red, green, blue of each pixel, row by row (3 · width · height bytes). */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}
