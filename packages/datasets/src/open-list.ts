import { closeSync, existsSync, readSync, statSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { StringDecoder } from "node:string_decoder";
import { checkOptions, DataFormatError, getLandmarkScheme, InvalidArgumentError } from "@acr/core";
import { imageFileFault } from "./internal/image-file-fault.js";
import type { ListedFace, ListParseOptions } from "./internal/listed-face.js";
import { asUnreadable, openSource, readSource } from "./internal/read-source.js";
import { openScan, type Scan } from "./internal/recorded-dataset.js";
import { isInside } from "./internal/scan-folders.js";
import { tightBox } from "./internal/tight-box.js";
import { toFault } from "./internal/to-fault.js";
import type { OpenedDataset } from "./opened-dataset.js";
import { parseCoco } from "./parse-coco.js";
import { parseCsv } from "./parse-csv.js";
import { parseDlibXml } from "./parse-dlib-xml.js";

/** Options of `openList`. */
export interface OpenListOptions {
  /** A `.xml` of dlib, a `.json` of COCO, or a `.csv`. */
  file: string;
  /** The folder that its pictures lie in. Default: the file's own. */
  images?: string;
  /** Landmark scheme by id. Default `ibug68`. */
  scheme?: string;
  /** Leave faulty samples out instead of refusing the data set. Default false. */
  skipFaulty?: boolean;
}

/** Bytes of a list that are read at a time. */
const PIECE = 1 << 16;

/** Extensions of list files. */
export const LIST_EXTENSIONS = [".xml", ".csv", ".json"];

/**
 * Faces listed in one file: dlib's imglab XML, COCO keypoints or CSV (see `parseDlibXml`, `parseCoco`, `parseCsv`). A
 * picture may hold several faces. Paths that leave the picture folder, links included, are refused.
 *
 * @throws {InvalidArgumentError} the file does not exist or has another extension.
 * @throws {DataFormatError} a faulty entry or picture, with the line, unless skipFaulty.
 * @example const faces = await openList({ file: "faces/labels.xml" });
 */
export async function openList(options: OpenListOptions): Promise<OpenedDataset> {
  checkOptions("openList", options, ["file", "images", "scheme", "skipFaulty"]);
  const { skipFaulty = false, scheme: id = "ibug68", file } = options;
  const scheme = getLandmarkScheme(id);
  return openScan(`list:${file}`, scheme, scanList(options, scheme.landmarkCount), { skipFaulty });
}

/** What `openList` opens, faults collected. */
export function scanList({ file, images = dirname(file) }: OpenListOptions, landmarkCount: number): Scan {
  if (typeof file !== "string" || !existsSync(file) || !statSync(file).isFile())
    throw new InvalidArgumentError(`openList: file "${file}" does not exist.`);
  const scan: Scan = { records: [], faults: [] };
  const options: ListParseOptions = { file, landmarkCount, onFault: (fault) => scan.faults.push(fault) };
  const listed = parseList(options);
  const imageFaults = new Map<string, string | undefined>();
  const used = new Map<string, number>();
  for (const { image, line, landmarks, visible, box = tightBox(landmarks), tags = {} } of listed) {
    try {
      const location = { file, ...(line !== undefined && { line }) };
      const name = image.replaceAll("\\", "/").replaceAll(/[\r\n]+/g, " ");
      if (!isInside(images, name))
        throw new DataFormatError(`picture "${name.slice(0, 80)}" must lie inside ${images}.`, location);
      if (!(box[2] > box[0] && box[3] > box[1]))
        throw new DataFormatError(`${name}: the landmarks lie on a line; expected a face.`, location);
      const path = join(images, name);
      if (!imageFaults.has(path)) imageFaults.set(path, imageFileFault(path));
      const fault = imageFaults.get(path);
      if (fault) throw new DataFormatError(`picture "${name.slice(0, 80)}" ${fault}`, location);
      const earlier = used.get(name) ?? 0;
      used.set(name, earlier + 1);
      scan.records.push({
        id: earlier === 0 ? name : `${name}#${earlier + 1}`,
        file: path,
        landmarks,
        ...(visible && { visible }),
        box,
        tags,
      });
    } catch (error) {
      scan.faults.push(toFault(error));
    }
  }
  if (scan.records.length === 0 && scan.faults.length === 0) throw new DataFormatError("holds no faces.", { file });
  return scan;
}

function parseList(options: ListParseOptions): ListedFace[] {
  const { file } = options;
  switch (extname(file).toLowerCase()) {
    case ".xml":
      return parseDlibXml(pieces(file), options);
    case ".csv":
      return parseCsv(readSource(file).toString("utf8"), options);
    case ".json":
      return parseCoco(readSource(file).toString("utf8"), options);
    default:
      throw new InvalidArgumentError(`openList: file must end in ${LIST_EXTENSIONS.join(", ")}; got "${file}".`);
  }
}

/** A text file piece by piece. */
function* pieces(file: string): Generator<string> {
  const handle = openSource(file);
  try {
    const decoder = new StringDecoder("utf8");
    const buffer = Buffer.alloc(PIECE);
    let isFirst = true;
    for (let length = readSync(handle, buffer); length > 0; length = readSync(handle, buffer)) {
      const text = decoder.write(buffer.subarray(0, length));
      yield isFirst ? text.replace(/^\uFEFF/, "") : text;
      isFirst = false;
    }
    yield decoder.end();
  } catch (error) {
    throw asUnreadable(file, error);
  } finally {
    closeSync(handle);
  }
}
