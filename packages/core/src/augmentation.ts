import type { Affine } from "./affine.js";
import type { Random } from "./create-random.js";
import type { PixelChange } from "./pixel-change.js";
import type { RgbImage } from "./rgb-image.js";

/** Changes the pixels of a finished crop in place. */
export interface PhotometricChange {
  (image: RgbImage): void;
  /**
   * Changes only what a device cannot, and tells the rest: `applyPixelChanges` with it gives what the call gives, to the
   * last bit. Absent where all must be done here.
   */
  readonly defer?: (image: RgbImage) => PixelChange;
}

/** What one draw of an augmentation does to one sample. */
export interface AugmentationDraw {
  /** Moves points within the `centered` frame (crop side 1, centre 0); the picture is resampled once through it. */
  readonly geometry?: Affine;
  /** True when `geometry` reflects: landmarks are then renumbered by the scheme's mirror map. */
  readonly mirrored?: boolean;
  /** Changes the pixels of the finished crop in place. */
  readonly photometric?: PhotometricChange;
}

/** A random image transform that moves the landmarks too. */
export interface Augmentation {
  readonly name: string;
  /** Everything needed to build it again, as JSON. */
  readonly options: Readonly<Record<string, unknown>>;
  draw(random: Random): AugmentationDraw;
  /**
   * URL of a module whose `createAugmentation({ name, options })` builds this one again, so that threads can draw it too.
   * Absent, or giving `undefined`, where there is none: pixels are then changed on the main thread. A method, so that
   * JSON leaves it out.
   */
  module?(): string | undefined;
}
