import { type Box, checkOptions, DataFormatError, InvalidArgumentError, ibug68 } from "@acr/core";
import { readDetectorBoxes } from "./internal/detector-boxes.js";
import { openScan } from "./internal/recorded-dataset.js";
import { scanFolders } from "./internal/scan-folders.js";
import { shortCountWarning } from "./internal/short-count-warning.js";
import { split300W } from "./internal/split-300w.js";
import type { OpenedDataset } from "./opened-dataset.js";

/** Options of `open300W`. */
export interface Open300WOptions {
  /** The folder that holds afw, helen, lfpw, ibug. */
  root: string;
  /**
   * `train` (3148 faces), `common` (554), `challenging` (135), `full` (689), `private` (600), or folders separated by
   * commas, e.g. `helen/testset,lfpw/testset`. Default `train`.
   */
  split?: string;
  /**
   * `landmarks`: the tight box of the landmarks. `detector`: the box in iBUG's `bounding_boxes_<folder>.mat`, in root or
   * `Bounding Boxes/`, else in `<folder>.crops.csv` (columns `name`, `det_x0` … `det_y1`), both one-based; a slash in
   * the folder's name becomes `_`. Default `landmarks`.
   */
  box?: "landmarks" | "detector";
  /** Leave faulty samples out instead of refusing the data set. Default false. */
  skipFaulty?: boolean;
  /** Takes the message when a named split holds fewer faces than were published. Default: `console.warn`. */
  onWarning?(message: string): void;
}

/**
 * 300-W in its official folders: 68 landmarks in `.pts` files beside the pictures. A folder of a named split may be
 * absent as long as another is there; the shortfall is then said once.
 *
 * @throws {InvalidArgumentError} a folder does not exist.   @throws {DataFormatError} a faulty sample, with file and line, unless skipFaulty.
 * @see C. Sagonas et al., 300 Faces In-The-Wild Challenge, 2016. Annotations are for research only.
 * @example const faces = await open300W({ root: "300w", split: "train" });
 */
export async function open300W(options: Open300WOptions): Promise<OpenedDataset> {
  checkOptions("open300W", options, ["root", "split", "box", "skipFaulty", "onWarning"]);
  const { root, split = "train", box = "landmarks", skipFaulty = false, onWarning = console.warn } = options;
  if (box !== "landmarks" && box !== "detector")
    throw new InvalidArgumentError(`open300W: box must be "landmarks" or "detector"; got ${String(box)}.`);
  const { folders, named } = split300W(split);
  const boxes = new Map<string, ReturnType<typeof readDetectorBoxes>>();
  const boxOf = (folder: string, name: string): Box => {
    const known = boxes.get(folder) ?? readDetectorBoxes(root, folder);
    boxes.set(folder, known);
    const found = known.boxes.get(name);
    if (!found) throw new DataFormatError(`has no detector box for ${name}.`, { file: known.file });
    return found;
  };
  const scan = scanFolders({
    functionName: "open300W",
    root,
    folders,
    scheme: ibug68,
    allowAbsent: named,
    ...(box === "detector" && { boxOf }),
  });
  const counts = new Map(scan.folders.map(({ folder, count, faults }) => [folder, count + faults]));
  const warning = named ? shortCountWarning(split, folders, (folder) => counts.get(folder) ?? 0) : undefined;
  const dataset = openScan(`300w:${split}`, ibug68, scan, { skipFaulty });
  if (warning) onWarning(warning);
  return dataset;
}
