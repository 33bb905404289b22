import { ibug68 } from "@acr/core";
import { foldersOf300W } from "./open-300w.js";
import { type DataFault, scanFolders } from "./open-folders.js";
import { foldersOfPoints } from "./open-points.js";

/** What was found in a data set. */
export interface DatasetInspection {
  scheme: string;
  /** Samples without a fault. */
  count: number;
  faults: DataFault[];
}

/**
 * Counts a data set's samples and lists every fault with file and line, instead of stopping at the first.
 *
 * @throws {InvalidArgumentError} a folder does not exist.   @throws {DataFormatError} nothing is found at all.
 * @example (await inspectDataset({ dataset: "300w", root: "300w", split: "train" })).faults;
 */
export async function inspectDataset({
  dataset,
  root,
  split,
}: {
  dataset: "300w" | "points";
  root: string;
  split?: string;
}): Promise<DatasetInspection> {
  const folders = dataset === "300w" ? foldersOf300W(split ?? "train") : foldersOfPoints(split);
  const { samples, faults } = await scanFolders("inspectDataset", root, folders, ibug68);
  return { scheme: ibug68.id, count: samples.length, faults };
}
