import type { LandmarkScheme } from "./landmark-scheme.js";
import type { RgbImage } from "./rgb-image.js";

/** Face box `[x0, y0, x1, y1]` in source pixels, before any crop protocol enlarges it. */
export type Box = readonly [number, number, number, number];

/** One annotated face. All coordinates are in the `pixel` frame of `image`: zero-based, pixel centres on integers. */
export interface Face {
  /** Unique within its data set. */
  readonly id: string;
  readonly image: RgbImage;
  /** Flat `[x0, y0, x1, y1, …]`, 2K values. */
  readonly landmarks: ArrayLike<number>;
  /** K flags, 1 = visible. Absent when the data set does not say. */
  readonly visible?: ArrayLike<number>;
  readonly box: Box;
  readonly scheme: LandmarkScheme;
  /** Attributes such as `{ pose: "profile" }`, and where the face came from. */
  readonly tags: Readonly<Record<string, string | number | boolean>>;
}

/** A finite list of annotated faces, read one at a time. `get(i)` of the same index always gives the same face. */
export interface FaceDataset extends AsyncIterable<Face> {
  /** Short name for logs, e.g. `"300w:train"`. */
  readonly name: string;
  readonly length: number;
  readonly scheme: LandmarkScheme;
  get(index: number): Promise<Face>;
}
