import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Box, checkOptions, DataFormatError, InvalidArgumentError, ibug68 } from "@acr/core";
import { type MatNumbers, type MatValue, readMat5 } from "./internal/read-mat5.js";
import { readSource } from "./internal/read-source.js";
import { openScan, type Scan } from "./internal/recorded-dataset.js";
import { checkRoot } from "./internal/scan-folders.js";
import { tightBox } from "./internal/tight-box.js";
import { toFault } from "./internal/to-fault.js";
import { type CofwDataset, openCofw } from "./open-cofw.js";

/** Options of `openCofw68`. */
export interface OpenCofw68Options {
  /** The folder `COFW68_Data`, with `test_annotations` and `cofw68_test_bboxes.mat`. */
  root: string;
  /**
   * `COFW_test_color.mat`, which holds the pictures. Default: that name in root or beside it. Without it the labels can be
   * read, and asking for a picture throws.
   */
  test?: string;
  /** `detector`: the benchmark's boxes. `landmarks`: the tight box of the landmarks. Default `detector`. */
  box?: "detector" | "landmarks";
  /** Leave faulty samples out instead of refusing the data set. Default false. */
  skipFaulty?: boolean;
}

const K = ibug68.landmarkCount;
const MAXIMUM_COORDINATE = 1e6;

/**
 * COFW-68: the COFW test faces labelled again with 68 points and their occlusion, in MATLAB 5 files, with a detector's boxes.
 *
 * @throws {InvalidArgumentError} root or the annotations do not exist.
 * @throws {DataFormatError} a file is faulty, unless skipFaulty; the pictures are not as many as the labels.
 * @see G. Ghiasi, C. Fowlkes, Occlusion Coherence: Detecting and Localizing Occluded Faces, arXiv:1506.08347.
 * @example const faces = await openCofw68({ root: "COFW68_Data", test: "COFW_test_color.mat" });
 */
export async function openCofw68(options: OpenCofw68Options): Promise<CofwDataset> {
  checkOptions("openCofw68", options, ["root", "test", "box", "skipFaulty"]);
  const { root, box = "detector", skipFaulty = false } = options;
  checkRoot("openCofw68", root);
  if (box !== "detector" && box !== "landmarks")
    throw new InvalidArgumentError(`openCofw68: box must be "detector" or "landmarks"; got ${String(box)}.`);
  const folder = join(root, "test_annotations");
  if (!existsSync(folder))
    throw new InvalidArgumentError(`openCofw68: folder "${folder}" does not exist. Give the folder COFW68_Data.`);
  const numbers = readdirSync(folder)
    .map((name) => Number(/^(\d+)_points\.mat$/.exec(name)?.[1] ?? Number.NaN))
    .filter((number) => number >= 1)
    .sort((a, b) => a - b);
  const boxes = box === "detector" ? readBoxes(join(root, "cofw68_test_bboxes.mat")) : undefined;
  const scan: Scan = { records: [], faults: [] };
  const places: number[] = [];
  for (const number of numbers) {
    const file = join(folder, `${number}_points.mat`);
    try {
      const { landmarks, visible } = readPoints(file);
      const found = boxes ? boxes[number - 1] : tightBox(landmarks);
      if (!found || !(found[2] > found[0] && found[3] > found[1])) throw new DataFormatError("has no box.", { file });
      scan.records.push({
        id: `test/${number}`,
        landmarks,
        visible,
        box: found,
        tags: { occluded: visible.filter((flag) => flag === 0).length },
      });
      places.push(number - 1);
    } catch (error) {
      scan.faults.push(toFault(error));
    }
  }
  if (numbers.length === 0) throw new DataFormatError("holds no files N_points.mat.", { file: folder });
  const test =
    options.test ??
    [root, join(root, "..")].map((place) => join(place, "COFW_test_color.mat")).find((path) => existsSync(path));
  const pictures = test === undefined ? undefined : await openCofw({ test, split: "test" });
  if (pictures && pictures.length < numbers.at(-1)!) {
    pictures.close();
    throw new DataFormatError(`holds ${pictures.length} pictures; the labels go up to ${numbers.at(-1)}.`, {
      file: test!,
    });
  }
  const readPixels = async (index: number) => {
    if (!pictures)
      throw new InvalidArgumentError(
        "openCofw68: test must name COFW_test_color.mat, which holds the pictures; only labels are at hand.",
      );
    return (await pictures.get(places[index]!)).image;
  };
  try {
    const opened = openScan("cofw68:test", ibug68, scan, { skipFaulty, readPixels });
    return Object.assign(opened, { close: () => pictures?.close() });
  } catch (error) {
    pictures?.close();
    throw error;
  }
}

function numbersOf(
  value: MatValue | undefined,
  name: string,
  shape: readonly (number | undefined)[],
  file: string,
): MatNumbers {
  const fits = (got: readonly number[]) => shape.every((length, i) => length === undefined || length === got[i]);
  if (value?.kind !== "numbers" || value.shape.length !== shape.length || !fits(value.shape))
    throw new DataFormatError(
      `${name}: expected numbers of shape [${shape.map((length) => length ?? "N").join(", ")}]; got ${value?.kind === "numbers" ? `[${value.shape.join(", ")}]` : (value?.kind ?? "nothing")}.`,
      { file },
    );
  return value;
}

function readPoints(file: string): { landmarks: Float64Array; visible: Uint8Array } {
  const variables = readMat5(readSource(file), { file });
  const points = numbersOf(variables.get("Points"), "Points", [K, 2], file).values;
  const occluded = numbersOf(variables.get("Occ"), "Occ", [1, K], file).values;
  const landmarks = new Float64Array(2 * K);
  for (let k = 0; k < K; k++) {
    const [x, y] = [points[k]!, points[K + k]!];
    if (!(Math.abs(x) < MAXIMUM_COORDINATE && Math.abs(y) < MAXIMUM_COORDINATE))
      throw new DataFormatError(`Points(${k + 1}): expected two finite numbers; got ${x}, ${y}.`, { file });
    landmarks.set([x - 1, y - 1], 2 * k);
  }
  const bad = occluded.findIndex((flag) => flag !== 0 && flag !== 1);
  if (bad >= 0) throw new DataFormatError(`Occ(${bad + 1}): expected 0 or 1; got ${occluded[bad]}.`, { file });
  return { landmarks, visible: Uint8Array.from(occluded, (flag) => 1 - flag) };
}

/** x, y, width, height a row, one-based. */
function readBoxes(file: string): Box[] {
  if (!existsSync(file)) throw new DataFormatError("does not exist; expected the detector's boxes.", { file });
  const { values, shape } = numbersOf(
    readMat5(readSource(file), { file }).get("bboxes"),
    "bboxes",
    [undefined, 4],
    file,
  );
  const rows = shape[0]!;
  return Array.from({ length: rows }, (_, i) => {
    const [x, y, width, height] = [0, 1, 2, 3].map((column) => values[column * rows + i]!) as [
      number,
      number,
      number,
      number,
    ];
    return [x - 1, y - 1, x - 1 + width, y - 1 + height] as const;
  });
}
