import type { PhotometricChange, PixelChange, RgbImage } from "@acr/core";

/** The kinds of change that a device can make, in the order in which it makes them. */
export type DeferrableKind = "tones" | "grey" | "block";

/** A photometric draw that a device can make as a whole. */
export interface Deferrable extends PhotometricChange {
  readonly kind: DeferrableKind;
  readonly defer: (image: RgbImage) => PixelChange;
}

/** Makes such a draw; `change` only looks at the picture. */
export const deferrable = ({
  kind,
  apply,
  change,
}: {
  kind: DeferrableKind;
  apply: (image: RgbImage) => void;
  change: (image: RgbImage) => PixelChange;
}): Deferrable => Object.assign((image: RgbImage) => apply(image), { kind, defer: change });

/** The kind of a draw; `undefined` where a device cannot make it. */
export const kindOf = (photometric: PhotometricChange): DeferrableKind | undefined =>
  (photometric as Partial<Deferrable>).kind;
