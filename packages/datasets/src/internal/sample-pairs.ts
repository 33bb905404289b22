import type { Box } from "@acr/core";
import type { DataFault } from "../data-fault.js";
import { parsePointsJson } from "../parse-points-json.js";
import { parsePts } from "../parse-pts.js";

/** Files of one name. */
export interface SamplePair {
  /** Without the extension. */
  name: string;
  images: string[];
  labels: string[];
}

const IMAGE = /\.(jpe?g|png)$/i;
const LABEL = /\.(pts|l?json)$/i;

/** Pictures and label files by their common name, in order of name; other and hidden files are passed over. */
export function pairFiles(files: Iterable<string>): SamplePair[] {
  const pairs = new Map<string, SamplePair>();
  for (const file of files) {
    const kind = IMAGE.test(file) ? "images" : LABEL.test(file) ? "labels" : undefined;
    if (!kind || /(^|\/)\.[^/]*$/.test(file)) continue;
    const name = file.slice(0, file.lastIndexOf("."));
    const pair = pairs.get(name) ?? { name, images: [], labels: [] };
    pair[kind].push(file);
    pairs.set(name, pair);
  }
  return [...pairs.keys()].sort().map((name) => pairs.get(name)!);
}

/** The labels in a `.pts`, `.json` or `.ljson` file. */
export function parseLabels(
  text: string,
  { file, landmarkCount }: { file: string; landmarkCount: number },
): { landmarks: Float64Array; visible?: Uint8Array; box?: Box } {
  return file.toLowerCase().endsWith(".pts")
    ? { landmarks: parsePts(text, { file, landmarkCount }) }
    : parsePointsJson(text, { file, landmarkCount });
}

/** What is wrong with a picture and its label file, before either is opened. */
export function pairFault(
  { name, images, labels }: SamplePair,
  pathOf: (file: string) => string,
): DataFault | undefined {
  if (images.length === 0)
    return {
      file: pathOf(labels[0]!),
      message: `has no picture ${name}.jpg or .png beside it. Add it or remove the labels.`,
    };
  if (labels.length === 0)
    return {
      file: pathOf(images[0]!),
      message: `has no ${name}.pts beside it. Add the labels or remove the picture.`,
    };
  if (images.length > 1)
    return {
      file: pathOf(images[1]!),
      message: `has the same name as ${images[0]}; expected one picture for ${labels[0]}.`,
    };
  if (labels.length > 1)
    return {
      file: pathOf(labels[1]!),
      message: `has the same name as ${labels[0]}; expected one label file for ${images[0]}.`,
    };
  return undefined;
}
