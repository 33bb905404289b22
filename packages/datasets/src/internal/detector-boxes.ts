import { existsSync, readFileSync } from "node:fs";
import { join, parse } from "node:path";
import { type Box, DataFormatError } from "@acr/core";
import { parseCsvRows } from "./parse-csv-rows.js";
import { type MatValue, readMat5 } from "./read-mat5.js";
import { readSource } from "./read-source.js";

/** Boxes by picture name without extension; zero-based. */
export type DetectorBoxes = ReadonlyMap<string, Box>;

/**
 * The detector's boxes of one folder of 300-W: iBUG's `bounding_boxes_<folder>.mat` in root or `Bounding Boxes/`, else
 * `<folder>.crops.csv`.
 */
export function readDetectorBoxes(root: string, folder: string): { boxes: DetectorBoxes; file: string } {
  const name = folder.replaceAll("/", "_");
  const mats = [".", "Bounding Boxes", "bounding_boxes"].map((place) =>
    join(root, place, `bounding_boxes_${name}.mat`),
  );
  const mat = mats.find((path) => existsSync(path));
  if (mat) return { file: mat, boxes: readBoxesMat(mat) };
  const csv = join(root, `${name}.crops.csv`);
  return { file: csv, boxes: readBoxesCsv(csv) };
}

/** iBUG's file: a cell array of structs with `imgName` and `bb_detector`, x0 y0 x1 y1, one-based. */
function readBoxesMat(file: string): DetectorBoxes {
  const fault = (message: string) => new DataFormatError(message, { file });
  const table = readMat5(readSource(file), { file }).get("bounding_boxes");
  if (!table || (table.kind !== "cells" && table.kind !== "structs"))
    throw fault('expected the cell array "bounding_boxes"; found none.');
  const entries: readonly MatValue[] =
    table.kind === "cells"
      ? table.cells
      : table.entries.map((entry) => ({ kind: "structs", shape: [1, 1], entries: [entry] }));
  const boxes = new Map<string, Box>();
  entries.forEach((entry, i) => {
    const record = entry.kind === "structs" ? entry.entries[0] : undefined;
    const [name, values] = [record?.imgName, record?.bb_detector];
    if (name?.kind !== "text" || values?.kind !== "numbers" || values.values.length !== 4)
      throw fault(`bounding_boxes{${i + 1}}: expected imgName and four numbers in bb_detector.`);
    const box = values.values.map((value) => value - 1) as unknown as Box;
    if (!(box[2] > box[0] && box[3] > box[1] && Array.from(box).every((value) => Math.abs(value) < 1e6)))
      throw fault(`bounding_boxes{${i + 1}}: expected a box; got ${Array.from(values.values).join(", ")}.`);
    boxes.set(parse(name.text).name, [box[0], box[1], box[2], box[3]]);
  });
  return boxes;
}

const BOX_COLUMNS = ["det_x0", "det_y0", "det_x1", "det_y1"];

function readBoxesCsv(file: string): DetectorBoxes {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new DataFormatError(
      "cannot be read; expected the detector's boxes there, or in bounding_boxes_*.mat beside it.",
      { file, cause },
    );
  }
  const [header, ...rows] = parseCsvRows(text, { file });
  const places = ["name", ...BOX_COLUMNS].map((column) => header?.cells.indexOf(column) ?? -1);
  if (places.includes(-1))
    throw new DataFormatError(`expected columns name, ${BOX_COLUMNS.join(", ")}.`, { file, line: 1 });
  const boxes = new Map<string, Box>();
  for (const { cells, line } of rows) {
    const [name, ...values] = places.map((place) => cells[place] ?? "");
    const [x0, y0, x1, y1] = values.map((value) => Number(value) - 1) as [number, number, number, number];
    if (values.includes("") || !(x1 > x0 && y1 > y0 && Math.abs(x0 + y0 + x1 + y1) < 1e7))
      throw new DataFormatError(`expected a box; got "${values.join(",").slice(0, 60)}".`, { file, line });
    boxes.set(name!, [x0, y0, x1, y1]);
  }
  return boxes;
}
