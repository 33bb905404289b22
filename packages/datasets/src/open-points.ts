import { existsSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { checkOptions, getLandmarkScheme, InvalidArgumentError } from "@acr/core";
import { openScan } from "./internal/recorded-dataset.js";
import { isInside, scanFolders } from "./internal/scan-folders.js";
import { splitFolders } from "./internal/split-300w.js";
import { LIST_EXTENSIONS, openList } from "./open-list.js";
import { openPrepared } from "./open-prepared.js";
import type { OpenedDataset } from "./opened-dataset.js";

/** Options of `openPoints`. */
export interface OpenPointsOptions {
  /** The folder with pictures and their `.pts`, `.json` or `.ljson` files, or a list file that `openList` reads. */
  root: string;
  /** Folders below root, separated by commas, or one list or prepared file in it. Default: root itself. */
  split?: string;
  /** Landmark scheme by id. Default `ibug68`. */
  scheme?: string;
  /** Leave faulty samples out instead of refusing the data set. Default false. */
  skipFaulty?: boolean;
}

/** The folders of a split of a plain folder data set. */
export const foldersOfPoints = (split: string | undefined): string[] => (split ? splitFolders(split) : ["."]);

/** What `acr data prepare` names its files. */
const PREPARED_EXTENSION = ".acr";

const openFile = (file: string, options: { scheme: string; skipFaulty: boolean }): Promise<OpenedDataset> =>
  extname(file).toLowerCase() === PREPARED_EXTENSION ? openPrepared({ file }) : openList({ file, ...options });

/** Whether root is a list or prepared file instead of a folder. */
export const isList = (root: string): boolean =>
  typeof root === "string" &&
  [...LIST_EXTENSIONS, PREPARED_EXTENSION].includes(extname(root).toLowerCase()) &&
  existsSync(root) &&
  statSync(root).isFile();

/**
 * Your own pictures: `.jpg` or `.png` with a `.pts`, `.json` or `.ljson` of the same name beside each. Where root is a file,
 * it is taken as a list (dlib XML, COCO JSON or CSV, see `openList`) or as a prepared file (`.acr`, see `openPrepared`).
 *
 * @throws {InvalidArgumentError} a folder does not exist.   @throws {DataFormatError} a faulty sample, with file and line, unless skipFaulty.
 * @example const faces = await openPoints({ root: "my-faces" });
 */
export async function openPoints(options: OpenPointsOptions): Promise<OpenedDataset> {
  checkOptions("openPoints", options, ["root", "split", "scheme", "skipFaulty"]);
  const { root, split, scheme: id = "ibug68", skipFaulty = false } = options;
  if (isList(root)) {
    if (split !== undefined)
      throw new InvalidArgumentError(
        `openPoints: root "${root}" is a file and has no split "${split}". Give its folder as root and the file's name as split.`,
      );
    return openFile(root, { scheme: id, skipFaulty });
  }
  if (split !== undefined && typeof root === "string" && isInside(root, split) && isList(join(root, split)))
    return openFile(join(root, split), { scheme: id, skipFaulty });
  const scheme = getLandmarkScheme(id);
  const scan = scanFolders({ functionName: "openPoints", root, folders: foldersOfPoints(split), scheme });
  return openScan(`points:${split ?? root}`, scheme, scan, { skipFaulty });
}
