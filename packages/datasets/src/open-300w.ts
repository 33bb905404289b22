import { checkOptions, type FaceDataset, ibug68 } from "@acr/core";
import { datasetFromScan, type FolderDataset, scanFolders } from "./open-folders.js";

/** Options of `open300W`. */
export interface Open300WOptions {
  /** The folder that holds afw, helen, lfpw, ibug. */
  root: string;
  /** `train`, `common`, `challenging`, `full`, or folders separated by commas, e.g. `helen/testset,lfpw/testset`. Default `train`. */
  split?: string;
  /** Leave faulty samples out instead of refusing the data set. Default false. */
  skipFaulty?: boolean;
}

const TRAIN = ["afw", "helen/trainset", "lfpw/trainset"];
const COMMON = ["helen/testset", "lfpw/testset"];
const SPLITS: Record<string, string[]> = {
  train: TRAIN,
  common: COMMON,
  test: COMMON,
  challenging: ["ibug"],
  full: [...COMMON, "ibug"],
};

/** The folders of a 300-W split. */
export const foldersOf300W = (split: string): string[] =>
  SPLITS[split] ?? split.split(",").map((folder) => folder.trim());

/**
 * 300-W in its official folders: 68 landmarks in `.pts` files beside the pictures. The box of a face is the tight box
 * of its landmarks.
 *
 * @throws {InvalidArgumentError} a folder does not exist.   @throws {DataFormatError} a faulty sample, with file and line, unless skipFaulty.
 * @see C. Sagonas et al., 300 Faces In-The-Wild Challenge, 2016. Annotations are for research only.
 * @example const faces = await open300W({ root: "300w", split: "train" });
 */
export async function open300W(options: Open300WOptions): Promise<FolderDataset & FaceDataset> {
  checkOptions("open300W", options, ["root", "split", "skipFaulty"]);
  const { root, split = "train", skipFaulty = false } = options;
  return datasetFromScan(
    `300w:${split}`,
    ibug68,
    await scanFolders("open300W", root, foldersOf300W(split), ibug68),
    skipFaulty,
  );
}
