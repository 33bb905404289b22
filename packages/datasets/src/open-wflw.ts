import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Box, checkOptions, DataFormatError, InvalidArgumentError, wflw98 } from "@acr/core";
import { imageFileFault } from "./internal/image-file-fault.js";
import { readSource } from "./internal/read-source.js";
import { openScan, type Scan } from "./internal/recorded-dataset.js";
import { checkRoot, isInside } from "./internal/scan-folders.js";
import { tightBox } from "./internal/tight-box.js";
import { toFault } from "./internal/to-fault.js";
import { WFLW_ATTRIBUTES as ATTRIBUTES } from "./internal/wflw-attributes.js";
import type { OpenedDataset } from "./opened-dataset.js";

/** `train` (7500 faces), `test` (2500), or the test faces with one attribute. */
export type WflwSplit = "train" | "test" | (typeof ATTRIBUTES)[number];

/** Options of `openWflw`. */
export interface OpenWflwOptions {
  /** The folder that holds `WFLW_images` and `WFLW_annotations`. */
  root: string;
  /** Default `train`. */
  split?: WflwSplit;
  /** `rectangle`: the face rectangle of the list. `landmarks`: the tight box of the landmarks. Default `rectangle`. */
  box?: "rectangle" | "landmarks";
  /** Leave faulty samples out instead of refusing the data set. Default false. */
  skipFaulty?: boolean;
}

const K = wflw98.landmarkCount;
const FIELDS = 2 * K + 4 + ATTRIBUTES.length + 1;
const MAXIMUM_COORDINATE = 1e6;

/**
 * WFLW from its list files: 98 landmarks, a rectangle and six attributes (in `tags`) a line. Coordinates are taken as they
 * are, zero-based.
 *
 * @throws {InvalidArgumentError} root or the list does not exist, an unknown split.
 * @throws {DataFormatError} a faulty line or picture, unless skipFaulty.
 * @see W. Wu et al., Look at Boundary: A Boundary-Aware Face Alignment Algorithm, CVPR 2018.
 * @example const faces = await openWflw({ root: "wflw", split: "largepose" });
 */
export async function openWflw(options: OpenWflwOptions): Promise<OpenedDataset> {
  checkOptions("openWflw", options, ["root", "split", "box", "skipFaulty"]);
  const { root, split = "train", box = "rectangle", skipFaulty = false } = options;
  checkRoot("openWflw", root);
  if (box !== "rectangle" && box !== "landmarks")
    throw new InvalidArgumentError(`openWflw: box must be "rectangle" or "landmarks"; got ${String(box)}.`);
  const splits: string[] = ["train", "test", ...ATTRIBUTES];
  if (!splits.includes(split))
    throw new InvalidArgumentError(`openWflw: split must be one of ${splits.join(", ")}; got ${String(split)}.`);
  const list = join(
    root,
    "WFLW_annotations/list_98pt_rect_attr_train_test",
    `list_98pt_rect_attr_${split === "train" ? "train" : "test"}.txt`,
  );
  if (!existsSync(list))
    throw new InvalidArgumentError(`openWflw: list "${list}" does not exist. Unpack WFLW_annotations.tar.gz in root.`);
  const images = join(root, "WFLW_images");
  const scan: Scan = { records: [], faults: [] };
  // A picture may hold several faces; its ends are looked at once.
  const imageFaults = new Map<string, string | undefined>();
  const lines = readSource(list)
    .toString("utf8")
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/);
  lines.forEach((text, i) => {
    if (text.trim() === "") return;
    try {
      const { name, ...face } = parseWflwLine(text, list, i + 1);
      if (split !== "train" && split !== "test" && !face.tags[split]) return;
      if (!isInside(images, name))
        throw new DataFormatError(`picture "${name.slice(0, 80)}" must lie inside WFLW_images.`, {
          file: list,
          line: i + 1,
        });
      const file = join(images, name);
      if (!imageFaults.has(file)) imageFaults.set(file, imageFileFault(file));
      const fault = imageFaults.get(file);
      if (fault) throw new DataFormatError(fault, { file });
      scan.records.push({
        id: `${name}#${i + 1}`,
        file,
        landmarks: face.landmarks,
        box: box === "rectangle" ? face.box : tightBox(face.landmarks),
        tags: face.tags,
      });
    } catch (error) {
      scan.faults.push(toFault(error));
    }
  });
  if (scan.records.length === 0 && scan.faults.length === 0)
    throw new DataFormatError(`holds no faces of split ${split}.`, { file: list });
  return openScan(`wflw:${split}`, wflw98, scan, { skipFaulty });
}

/** One line of a list file. */
export function parseWflwLine(
  text: string,
  file: string,
  line: number,
): { name: string; landmarks: Float64Array; box: Box; tags: Record<string, boolean> } {
  const fields = text.trim().split(/\s+/);
  if (fields.length !== FIELDS)
    throw new DataFormatError(`expected ${FIELDS} fields; got ${fields.length}.`, { file, line });
  const numbers = fields.slice(0, -1).map(Number);
  const bad = numbers.findIndex((value) => !(Math.abs(value) < MAXIMUM_COORDINATE));
  if (bad >= 0)
    throw new DataFormatError(`field ${bad + 1}: expected a number; got "${fields[bad]!.slice(0, 40)}".`, {
      file,
      line,
    });
  const flags = numbers.slice(2 * K + 4);
  if (!flags.every((flag) => flag === 0 || flag === 1))
    throw new DataFormatError("expected six attributes of 0 or 1 before the name.", { file, line });
  const box = numbers.slice(2 * K, 2 * K + 4) as unknown as Box;
  if (!(box[2] > box[0] && box[3] > box[1]))
    throw new DataFormatError(`expected a rectangle x0 y0 x1 y1; got ${box.join(" ")}.`, { file, line });
  return {
    name: fields.at(-1)!,
    landmarks: Float64Array.from(numbers.slice(0, 2 * K)),
    box,
    tags: Object.fromEntries(ATTRIBUTES.map((name, i) => [name, flags[i] === 1])),
  };
}
