import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Box, checkOptions, cofw29, DataFormatError, InvalidArgumentError, type RgbImage } from "@acr/core";
import { openHdf5 } from "./internal/open-hdf5.js";
import { openScan, type RecordedDataset, type Scan } from "./internal/recorded-dataset.js";
import { toFault } from "./internal/to-fault.js";
import type { OpenedDataset } from "./opened-dataset.js";

/** Options of `openCofw`. */
export interface OpenCofwOptions {
  /** The folder that holds the two files under their official names. */
  root?: string;
  /** The training file. Default: `COFW_train_color.mat` in root. */
  train?: string;
  /** The test file. Default: `COFW_test_color.mat` in root. */
  test?: string;
  /** `train` (1345 faces) or `test` (507). Default `train`. */
  split?: "train" | "test";
  /** Leave faulty samples out instead of refusing the data set. Default false. */
  skipFaulty?: boolean;
}

/** A COFW file stays open while its pictures may be asked for. */
export interface CofwDataset extends OpenedDataset {
  /** Closes the file; pictures can no longer be read. */
  close(): void;
}

const K = cofw29.landmarkCount;
/** The largest picture that is believed; COFW's are below 3 megapixels. */
const MAXIMUM_PIXELS = 100e6;
const MAXIMUM_COORDINATE = 1e6;
/** COFW has 1345 faces; more than this is not believed. */
const MAXIMUM_COUNT = 100_000;

/**
 * COFW from its MATLAB 7.3 files: 29 landmarks with occlusion, face boxes, colour and grey pictures. Labels are read at
 * once, pictures one by one.
 *
 * @throws {InvalidArgumentError} the file is not given or does not exist.
 * @throws {DataFormatError} the file is no COFW file, or a face in it is faulty unless skipFaulty.
 * @see X. P. Burgos-Artizzu, P. Perona, P. Dollár, Robust face landmark estimation under occlusion, ICCV 2013.
 * @example const faces = await openCofw({ root: "cofw", split: "test" });
 */
export async function openCofw(options: OpenCofwOptions): Promise<CofwDataset> {
  checkOptions("openCofw", options, ["root", "train", "test", "split", "skipFaulty"]);
  const { root, split = "train", skipFaulty = false } = options;
  if (split !== "train" && split !== "test")
    throw new InvalidArgumentError(`openCofw: split must be "train" or "test"; got ${String(split)}.`);
  const path = options[split] ?? (root === undefined ? undefined : join(root, `COFW_${split}_color.mat`));
  if (path === undefined)
    throw new InvalidArgumentError(`openCofw: give root, or ${split}, the file COFW_${split}_color.mat.`);
  if (!existsSync(path))
    throw new InvalidArgumentError(
      `openCofw: file "${path}" does not exist. Download COFW_color.zip and unpack it there.`,
    );
  const file = await openHdf5(path);
  try {
    const suffix = split === "train" ? "Tr" : "T";
    const count = file.shape(`Is${suffix}`)[1] ?? 0;
    if (count < 1 || count > MAXIMUM_COUNT)
      throw new DataFormatError(`Is${suffix} must hold 1 to ${MAXIMUM_COUNT} faces; it claims ${count}.`, {
        file: path,
      });
    const phis = file.numbers(`phis${suffix}`, [3 * K, count]);
    const boxes = file.numbers(`bboxes${suffix}`, [4, count]);
    const images = file.references(`Is${suffix}`, [1, count]);
    const scan: Scan = { records: [], faults: [] };
    const places: number[] = [];
    for (let i = 0; i < count; i++) {
      try {
        const record = readRecord(i, { phis, boxes, count, file: path, split });
        imageShape(file.referencedShape(images[i]!), `${path}: Is${suffix}[${i}]`);
        scan.records.push(record);
        places.push(i);
      } catch (error) {
        scan.faults.push(toFault(error));
      }
    }
    const readPixels = async (index: number) => {
      const label = `${path}: Is${suffix}[${places[index]}]`;
      const reference = images[places[index]!]!;
      return transposed(file.referencedBytes(reference), imageShape(file.referencedShape(reference), label));
    };
    const opened = openScan(`cofw:${split}`, cofw29, scan, { skipFaulty, readPixels });
    return Object.assign(opened satisfies RecordedDataset, { sources: [path], close: () => file.close() });
  } catch (error) {
    file.close();
    throw error;
  }
}

/** Labels of face i; both arrays hold a row a value and a column a face. */
function readRecord(
  i: number,
  {
    phis,
    boxes,
    count,
    file,
    split,
  }: { phis: Float64Array; boxes: Float64Array; count: number; file: string; split: string },
) {
  const landmarks = new Float64Array(2 * K);
  const visible = new Uint8Array(K);
  for (let k = 0; k < K; k++) {
    const [x, y, occluded] = [phis[k * count + i]!, phis[(K + k) * count + i]!, phis[(2 * K + k) * count + i]!];
    if (!(Math.abs(x) < MAXIMUM_COORDINATE && Math.abs(y) < MAXIMUM_COORDINATE))
      throw new DataFormatError(`phis of face ${i + 1}, point ${k + 1}: expected two finite numbers; got ${x}, ${y}.`, {
        file,
      });
    if (occluded !== 0 && occluded !== 1)
      throw new DataFormatError(`phis of face ${i + 1}, point ${k + 1}: expected occlusion 0 or 1; got ${occluded}.`, {
        file,
      });
    landmarks.set([x - 1, y - 1], 2 * k);
    visible[k] = 1 - occluded;
  }
  const [x, y, width, height] = [0, 1, 2, 3].map((row) => boxes[row * count + i]!) as [number, number, number, number];
  if (!(width > 0 && height > 0 && Number.isFinite(x + y + width + height)))
    throw new DataFormatError(
      `bboxes of face ${i + 1}: expected x, y, width, height; got ${[x, y, width, height].join(", ")}.`,
      { file },
    );
  const box: Box = [x - 1, y - 1, x - 1 + width, y - 1 + height];
  return {
    id: `${split}/${i + 1}`,
    landmarks,
    visible,
    box,
    tags: { occluded: visible.filter((flag) => flag === 0).length },
  };
}

/** `[3, W, H]` for colour, `[W, H]` for grey: MATLAB's order seen from C. */
function imageShape(shape: readonly number[], label: string): { width: number; height: number; channels: number } {
  const [width, height] = shape.slice(-2) as [number, number];
  const channels = shape.length === 3 ? shape[0]! : 1;
  if (
    shape.length < 2 ||
    shape.length > 3 ||
    (shape.length === 3 && channels !== 3 && channels !== 1) ||
    width < 1 ||
    height < 1
  ) {
    throw new DataFormatError(`expected a picture [3, W, H] or [W, H]; got [${shape.join(", ")}].`, { file: label });
  }
  if (width * height > MAXIMUM_PIXELS)
    throw new DataFormatError(`claims ${width} x ${height} pixels; expected at most 100 megapixels.`, { file: label });
  return { width, height, channels };
}

function transposed(
  planes: Uint8Array,
  { width, height, channels }: { width: number; height: number; channels: number },
): RgbImage {
  const data = new Uint8Array(width * height * 3);
  const plane = width * height;
  for (let y = 0, o = 0; y < height; y++) {
    for (let x = 0; x < width; x++, o += 3) {
      const at = x * height + y;
      data[o] = planes[at]!;
      data[o + 1] = planes[channels === 3 ? plane + at : at]!;
      data[o + 2] = planes[channels === 3 ? 2 * plane + at : at]!;
    }
  }
  return { width, height, data };
}
