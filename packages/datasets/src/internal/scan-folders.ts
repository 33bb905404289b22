import { existsSync, readdirSync, realpathSync, statSync } from "node:fs";
import { isAbsolute, join, relative, sep } from "node:path";
import { type Box, DataFormatError, InvalidArgumentError, type LandmarkScheme } from "@acr/core";
import { imageFileFault } from "./image-file-fault.js";
import { readSource } from "./read-source.js";
import type { Scan } from "./recorded-dataset.js";
import { pairFault, pairFiles, parseLabels } from "./sample-pairs.js";
import { tightBox } from "./tight-box.js";
import { toFault } from "./to-fault.js";

/** Samples found below one folder of a split. */
export interface FolderCount {
  folder: string;
  count: number;
  faults: number;
}

/** A scan with its counts. */
export interface FolderScan extends Scan {
  folders: FolderCount[];
  /** Folders of the split that do not exist. */
  absent: string[];
}

/** What `scanFolders` needs. */
export interface ScanOptions {
  functionName: string;
  root: string;
  folders: readonly string[];
  scheme: LandmarkScheme;
  /** Go on where a folder is absent, as long as another one is there. */
  allowAbsent?: boolean;
  /** A box other than the tight one of the landmarks. */
  boxOf?(folder: string, name: string): Box | undefined;
}

/** Throws unless root is a folder. */
export function checkRoot(functionName: string, root: string): void {
  if (typeof root !== "string" || root === "")
    throw new InvalidArgumentError(
      `${functionName}: root must be the folder that holds the data set; got ${JSON.stringify(root)}.`,
    );
  if (!existsSync(root))
    throw new InvalidArgumentError(
      `${functionName}: root "${root}" does not exist. Give the folder that holds the data set.`,
    );
  if (!statSync(root).isDirectory()) throw new InvalidArgumentError(`${functionName}: root "${root}" is not a folder.`);
}

/** Whether a path given by a file or a user stays below root, links included. */
export function isInside(root: string, path: string): boolean {
  if (isAbsolute(path)) return false;
  const steps = (from: string, to: string) => relative(from, to).split(sep)[0] !== "..";
  const full = join(root, path);
  return steps(root, full) && (!existsSync(full) || steps(realpathSync(root), realpathSync(full)));
}

/**
 * Pairs pictures with label files in folders, in order of name, and checks each pair without decoding pixels.
 *
 * @throws {InvalidArgumentError} root or a folder does not exist, a folder leaves root.   @throws {DataFormatError} nothing is found at all.
 */
export function scanFolders({
  functionName,
  root,
  folders,
  scheme,
  allowAbsent = false,
  boxOf,
}: ScanOptions): FolderScan {
  checkRoot(functionName, root);
  const scan: FolderScan = { records: [], faults: [], folders: [], absent: [] };
  for (const folder of folders) {
    if (!isInside(root, folder))
      throw new InvalidArgumentError(`${functionName}: split folder "${folder}" must lie inside root.`);
    if (!existsSync(join(root, folder))) scan.absent.push(folder);
  }
  const [absent] = scan.absent;
  if (absent !== undefined && !(allowAbsent && scan.absent.length < folders.length)) {
    throw new InvalidArgumentError(
      `${functionName}: folder "${join(root, absent)}" does not exist. Check root and split.`,
    );
  }
  for (const folder of folders.filter((name) => !scan.absent.includes(name))) {
    const [records, faults] = [scan.records.length, scan.faults.length];
    scanFolder(scan, folder, { root, scheme, boxOf });
    scan.folders.push({ folder, count: scan.records.length - records, faults: scan.faults.length - faults });
  }
  if (scan.records.length === 0 && scan.faults.length === 0) {
    throw new DataFormatError("no pictures with landmark files (.pts, .json) found. Check root and split.", {
      file: folders.map((folder) => join(root, folder)).join(", "),
    });
  }
  return scan;
}

function scanFolder(
  { records, faults }: FolderScan,
  folder: string,
  { root, scheme, boxOf }: Pick<ScanOptions, "root" | "scheme" | "boxOf">,
): void {
  const path = join(root, folder);
  for (const pair of pairFiles(readdirSync(path))) {
    const { name, images, labels } = pair;
    const fault = pairFault(pair, (file) => join(path, file));
    if (fault) {
      faults.push(fault);
      continue;
    }
    const [image, file] = [join(path, images[0]!), join(path, labels[0]!)];
    try {
      const text = readSource(file).toString("utf8");
      const labelled = parseLabels(text, { file, landmarkCount: scheme.landmarkCount });
      const { landmarks, visible } = labelled;
      const box = boxOf?.(folder, name) ?? labelled.box ?? tightBox(landmarks);
      if (!(box[2] > box[0] && box[3] > box[1]))
        throw new DataFormatError("the landmarks lie on a line; expected a face.", { file });
      const imageFault = imageFileFault(image);
      if (imageFault) faults.push({ file: image, message: imageFault });
      else
        records.push({
          id: folder === "." ? name : `${folder}/${name}`,
          file: image,
          landmarks,
          ...(visible && { visible }),
          box,
          tags: { folder },
        });
    } catch (error) {
      faults.push(toFault(error));
    }
  }
}
