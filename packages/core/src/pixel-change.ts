/**
 * The last photometric changes of a crop as numbers, so that a device can make them while it takes the bytes. In this
 * order: `levels`, `grey`, `block`; what is absent is left out.
 */
export interface PixelChange {
  /** What each level of red, then of green, then of blue becomes: 3 · 256 levels. */
  readonly levels?: Uint8Array | Uint8ClampedArray;
  /** Each channel becomes the luma of ITU-R BT.601, (299 R + 587 G + 114 B + 500) / 1000 without its fraction. */
  readonly grey?: boolean;
  /** A block of one colour: columns `left` … `right` − 1, rows `top` … `bottom` − 1. */
  readonly block?: {
    readonly left: number;
    readonly top: number;
    readonly right: number;
    readonly bottom: number;
    readonly color: readonly [number, number, number];
  };
}
