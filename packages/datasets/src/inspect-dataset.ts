import { checkOptions, getLandmarkScheme, InvalidArgumentError } from "@acr/core";
import type { DataFault } from "./data-fault.js";
import { type FolderCount, scanFolders } from "./internal/scan-folders.js";
import { shortCountWarning } from "./internal/short-count-warning.js";
import { PUBLISHED_300W, split300W } from "./internal/split-300w.js";
import { foldersOfPoints, isList, openPoints } from "./open-points.js";

/** Options of `inspectDataset`. */
export interface InspectOptions {
  dataset: "300w" | "points";
  /** The folder that holds the data set. */
  root: string;
  /** As `open300W` and `openPoints` take it. Default `train`, or root itself. */
  split?: string;
  /** Landmark scheme by id, for `points`. Default `ibug68`. */
  scheme?: string;
}

/** What was found in a data set. */
export interface DatasetInspection {
  scheme: string;
  /** Samples without a fault. */
  count: number;
  /** The same by folder, with the number that was published, where there is one. */
  splits: (FolderCount & { published?: number })[];
  faults: DataFault[];
  /** What is odd without being a fault. */
  warnings: string[];
}

/**
 * Counts a data set's samples and lists every fault with file and line, instead of stopping at the first.
 *
 * @throws {InvalidArgumentError} a folder does not exist.   @throws {DataFormatError} nothing is found at all.
 * @example (await inspectDataset({ dataset: "300w", root: "300w", split: "train" })).faults;
 */
export async function inspectDataset(options: InspectOptions): Promise<DatasetInspection> {
  checkOptions("inspectDataset", options, ["dataset", "root", "split", "scheme"]);
  const { dataset, root, split = dataset === "300w" ? "train" : undefined, scheme: id = "ibug68" } = options;
  if (dataset !== "300w" && dataset !== "points")
    throw new InvalidArgumentError(`inspectDataset: dataset must be "300w" or "points"; got ${String(dataset)}.`);
  const scheme = getLandmarkScheme(id);
  const { folders, named } = dataset === "300w" ? split300W(split!) : { folders: foldersOfPoints(split), named: false };
  if (dataset === "points" && split === undefined && isList(root)) {
    const faces = await openPoints({ root, scheme: id, skipFaulty: true });
    const [count, faults] = [faces.length, [...faces.faults]];
    return {
      scheme: faces.scheme.id,
      count,
      splits: [{ folder: root, count, faults: faults.length }],
      faults,
      warnings: [],
    };
  }
  const scan = scanFolders({ functionName: "inspectDataset", root, folders, scheme, allowAbsent: named });
  const counts = new Map(scan.folders.map(({ folder, count, faults }) => [folder, count + faults]));
  const short = named ? shortCountWarning(split!, folders, (folder) => counts.get(folder) ?? 0) : undefined;
  return {
    scheme: scheme.id,
    count: scan.records.length,
    splits: [...scan.folders, ...scan.absent.map((folder) => ({ folder, count: 0, faults: 0 }))].map((entry) => ({
      ...entry,
      ...(dataset === "300w" &&
        PUBLISHED_300W[entry.folder] !== undefined && { published: PUBLISHED_300W[entry.folder] }),
    })),
    faults: scan.faults,
    warnings: short ? [short] : [],
  };
}
