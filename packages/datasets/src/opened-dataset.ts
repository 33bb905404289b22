import type { Face, FaceDataset, LandmarkScheme } from "@acr/core";
import type { DataFault } from "./data-fault.js";

/** A face without its pixels. */
export interface FaceRecord extends Omit<Face, "image" | "scheme"> {
  /** The picture, where it is a file of its own: lets workers decode it. */
  readonly file?: string;
}

/** What the readers of this package return: annotations at once, pixels when they are asked for. */
export interface OpenedDataset extends FaceDataset {
  /** Why samples were left out; empty unless `skipFaulty` was set. */
  readonly faults: readonly DataFault[];
  /** How many samples were left out. */
  readonly skipped: number;
  readonly scheme: LandmarkScheme;
  /** Files beyond the pictures that faces are read from, such as a container of all. */
  readonly sources?: readonly string[];
  /** Everything about a face but its pixels; decodes nothing. */
  describe(index: number): FaceRecord;
}
