import { checkOptions, type FaceDataset, getLandmarkScheme } from "@acr/core";
import { datasetFromScan, type FolderDataset, scanFolders } from "./open-folders.js";

/** Options of `openPoints`. */
export interface OpenPointsOptions {
  /** The folder with pictures and `.pts` files. */
  root: string;
  /** Folders below root, separated by commas. Default: root itself. */
  split?: string;
  /** Landmark scheme by id. Default `ibug68`. */
  scheme?: string;
  /** Leave faulty samples out instead of refusing the data set. Default false. */
  skipFaulty?: boolean;
}

/** The folders of a split of a plain folder data set. */
export const foldersOfPoints = (split: string | undefined): string[] =>
  split ? split.split(",").map((folder) => folder.trim()) : ["."];

/**
 * Your own pictures: `.jpg` or `.png` with a `.pts` of the same name beside each.
 *
 * @throws {InvalidArgumentError} a folder does not exist.   @throws {DataFormatError} a faulty sample, with file and line, unless skipFaulty.
 * @example const faces = await openPoints({ root: "my-faces" });
 */
export async function openPoints(options: OpenPointsOptions): Promise<FolderDataset & FaceDataset> {
  checkOptions("openPoints", options, ["root", "split", "scheme", "skipFaulty"]);
  const { root, split, scheme: id = "ibug68", skipFaulty = false } = options;
  const scheme = getLandmarkScheme(id);
  return datasetFromScan(
    `points:${split ?? root}`,
    scheme,
    await scanFolders("openPoints", root, foldersOfPoints(split), scheme),
    skipFaulty,
  );
}
