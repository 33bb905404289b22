import type { Affine } from "@acr/core";
import type { FaceAnnotations } from "./face-engine.js";
import type { PixelSource } from "./face-task.js";

/** Squares of faces in a prepared file. */
export interface PreparedPixels {
  readonly file: string;
  source(index: number): PixelSource;
  /** Pixels of the square to pixels of the face's source. */
  imageToSource(index: number): Affine;
  /** Labels in the source frame; present where the data set's own faces are the squares. */
  annotations?(index: number): FaceAnnotations;
}
