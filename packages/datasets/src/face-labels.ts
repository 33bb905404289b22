import type { Box } from "@acr/core";

/** The labels of one face, as list files hold them. Coordinates are zero-based pixels of the picture. */
export interface FaceLabels {
  /** The picture: a path relative to the list file, with `/` between folders. Several faces may share one. */
  image: string;
  /** Flat `[x0, y0, …]`, 2K values. */
  landmarks: ArrayLike<number>;
  /** K flags, 1 = visible. */
  visible?: ArrayLike<number>;
  box?: Box;
  /** Size of the picture in pixels, where it is known. */
  width?: number;
  height?: number;
  tags?: Readonly<Record<string, string | number | boolean>>;
}
