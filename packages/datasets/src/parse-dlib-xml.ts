import type { Box } from "@acr/core";
import { SaxesParser } from "saxes";
import type { FaceLabels } from "./face-labels.js";
import { isBox, isCoordinate, ListCollector, type ListedFace, type ListParseOptions } from "./internal/listed-face.js";

/**
 * Faces of dlib's imglab XML: `<image file>` with `<box top left width height>` and `<part name x y>`, zero-based. Parts are
 * ordered by number where all names are numbers, else by name, as dlib does; boxes marked `ignore` are passed over.
 *
 * @param text - the document, or its pieces in order, so that a large one need not be in memory.
 * @throws {DataFormatError} no XML, no such document, a number that is none, another count of parts; with the line.
 * @see dlib `image_dataset_metadata`. Deviations: see `writeDlibXml`.
 * @example parseDlibXml(readFileSync("faces.xml", "utf8"), { file: "faces.xml" })[0].landmarks;
 */
export function parseDlibXml(text: string | Iterable<string>, options: ListParseOptions): FaceLabels[] {
  const list = new ListCollector(options);
  const parser = new SaxesParser();
  const path: string[] = [];
  let image: { file: string; width?: number; height?: number } | undefined;
  let box: { attributes: Record<string, string>; line: number; parts: Map<string, Record<string, string>> } | undefined;
  let sawDataset = false;
  parser.on("error", (error) => {
    throw list.fault(`is not XML: ${error.message.replace(/^.*?\d+:\d+: /, "")}`, parser.line);
  });
  parser.on("opentag", ({ name, attributes }) => {
    path.push(name);
    if (path.length === 1 && name !== "dataset")
      throw list.fault(`expected a dlib <dataset>; got <${name.slice(0, 40)}>.`, parser.line);
    sawDataset = true;
    if (name === "image") {
      const { file, width, height } = attributes;
      if (!file) throw list.fault("an <image> has no file.", parser.line);
      const size = [Number(width), Number(height)] as const;
      image = { file, ...(size.every((side) => side > 0) && { width: size[0], height: size[1] }) };
    } else if (name === "box") {
      if (!image) throw list.fault("a <box> stands outside an <image>.", parser.line);
      box = { attributes, line: parser.line, parts: new Map() };
    } else if (name === "part") {
      if (!box) throw list.fault("a <part> stands outside a <box>.", parser.line);
      const { parts } = box;
      const key = attributes.name ?? "";
      // Reported with its box, so that the other faces can still be read.
      if (parts.has(key)) attributes.x = "";
      parts.set(key, attributes);
    }
  });
  parser.on("closetag", ({ name }) => {
    path.pop();
    if (name === "image") image = undefined;
    if (name !== "box" || !box || !image) return;
    const [closed, { file, ...size }] = [box, image];
    box = undefined;
    if (closed.attributes.ignore === "1") return;
    list.add(() => ({ image: file, ...size, ...readBox(closed, list) }));
  });
  for (const piece of typeof text === "string" ? [text.replace(/^\uFEFF/, "")] : text) parser.write(piece);
  parser.close();
  if (!sawDataset) throw list.fault("is empty; expected a dlib <dataset>.", 1);
  return list.faces;
}

const numeric = (name: string) => /^\d+$/.test(name);

function readBox(
  {
    attributes,
    line,
    parts,
  }: { attributes: Record<string, string>; line: number; parts: Map<string, Record<string, string>> },
  list: ListCollector,
): Omit<ListedFace, "image"> {
  const number = (text: string | undefined) => (text === undefined || text.trim() === "" ? Number.NaN : Number(text));
  const { top, left, width, height, right, bottom } = attributes;
  const [x0, y0] = [number(left), number(top)];
  const box = [
    x0,
    y0,
    right === undefined ? x0 + number(width) : number(right),
    bottom === undefined ? y0 + number(height) : number(bottom),
  ];
  if (!isBox(box))
    throw list.fault(
      `expected a box with top, left, width and height; got ${JSON.stringify(attributes).slice(0, 80)}.`,
      line,
    );
  const names = [...parts.keys()];
  const byNumber = names.every(numeric);
  names.sort((a, b) => (byNumber ? Number(a) - Number(b) : a < b ? -1 : 1));
  const landmarks = new Float64Array(2 * names.length);
  const flagged = names.some((name) => parts.get(name)!.occluded !== undefined);
  const visible = new Uint8Array(names.length).fill(1);
  names.forEach((name, k) => {
    const { x, y, occluded } = parts.get(name)!;
    const point = [number(x), number(y)];
    if (!point.every(isCoordinate))
      throw list.fault(`part "${name.slice(0, 40)}": expected two finite numbers, once; got "${x}", "${y}".`, line);
    landmarks.set(point, 2 * k);
    if (occluded === "1") visible[k] = 0;
  });
  return { landmarks, ...(flagged && { visible }), box: box as unknown as Box, line };
}
