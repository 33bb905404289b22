/** A picture: grey, RGB or RGBA bytes, row by row. */
export interface PixelImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}
