import { existsSync, readdirSync } from "node:fs";
import { copyFile, rename, rm } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import { checkOptions, type Face, type FaceDataset, InvalidArgumentError, type RgbImage } from "@acr/core";
import { makeFolder } from "@acr/core/node";
import { convertScheme } from "./convert-scheme.js";
import type { FaceLabels } from "./face-labels.js";
import { temporaryName } from "./internal/write-whole-file.js";
import type { OpenedDataset } from "./opened-dataset.js";
import { writeCoco } from "./write-coco.js";
import { writeCofw } from "./write-cofw.js";
import { writeCsv } from "./write-csv.js";
import { writeDlibXml } from "./write-dlib-xml.js";
import { writeJson } from "./write-json.js";
import { writeLjson } from "./write-ljson.js";
import { writePts } from "./write-pts.js";
import { writeWflw } from "./write-wflw.js";

/** The formats that `convertDataset` writes. */
export const DATA_FORMATS = ["pts", "json", "ljson", "dlib", "coco", "csv", "wflw", "cofw"] as const;

/** One of them. */
export type DataFormat = (typeof DATA_FORMATS)[number];

/** Options of `convertDataset`. */
export interface ConvertDatasetOptions {
  /**
   * `pts`, `json`, `ljson`: a label file beside each picture, for `openPoints({ root: out })`. `dlib`, `coco`, `csv`: one list,
   * `faces.xml`, `faces.json` or `faces.csv`, for `openList`. `wflw`, `cofw`: the official layout, for `openWflw` and
   * `openCofw`.
   */
  to: DataFormat;
  /** The folder to make; it must not exist or be empty. */
  out: string;
  /** For `wflw` and `cofw`: which of the two files to write. Default `train`. */
  split?: "train" | "test";
  /** Landmark scheme to convert to, by id; see `convertLandmarks`. Default: the data set's own. */
  scheme?: string;
}

/** What was written. */
export interface ConvertedDataset {
  count: number;
  scheme: string;
  /** What to open: the folder, or the list in it. */
  root: string;
}

const LISTS: Partial<Record<DataFormat, string>> = { dlib: "faces.xml", coco: "faces.json", csv: "faces.csv" };
const WFLW_LISTS = "WFLW_annotations/list_98pt_rect_attr_train_test";

/**
 * Writes a data set in another format, pictures included: files are copied as they are, other pictures stored as PNG. All
 * or nothing: the folder appears when it is complete. Labels come back exactly, but for what a format has no place for:
 * `pts` and `ljson` hold neither visibility nor boxes, `wflw` no visibility.
 *
 * @throws {InvalidArgumentError} an unknown format, out is not empty, the format needs another scheme.
 * @throws {DataFormatError} a picture cannot be read.
 * @example await convertDataset(faces, { to: "dlib", out: "converted" });
 */
export async function convertDataset(dataset: FaceDataset, options: ConvertDatasetOptions): Promise<ConvertedDataset> {
  checkOptions("convertDataset", options, ["to", "out", "split", "scheme"]);
  const { to, out, split = "train", scheme } = options;
  if (!DATA_FORMATS.includes(to))
    throw new InvalidArgumentError(`convertDataset: to must be one of ${DATA_FORMATS.join(", ")}; got ${String(to)}.`);
  if (split !== "train" && split !== "test")
    throw new InvalidArgumentError(`convertDataset: split must be "train" or "test"; got ${String(split)}.`);
  if (typeof out !== "string" || out === "" || (existsSync(out) && readdirSync(out).length > 0))
    throw new InvalidArgumentError(`convertDataset: out must be a new or empty folder; got "${out}".`);
  const faces = scheme === undefined || scheme === dataset.scheme.id ? dataset : convertScheme(dataset, scheme);
  const needed = to === "wflw" ? "wflw98" : to === "cofw" ? "cofw29" : undefined;
  if (needed && faces.scheme.id !== needed)
    throw new InvalidArgumentError(
      `convertDataset: ${to} holds ${needed} only; got ${faces.scheme.id}. Set scheme (--to-scheme) to ${needed} where a conversion exists.`,
    );
  const temporary = temporaryName(out);
  try {
    await makeFolder(temporary);
    await write(faces, { to, out: temporary, split });
    await rm(out, { recursive: true, force: true });
    await rename(temporary, out);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  const list = LISTS[to];
  return { count: faces.length, scheme: faces.scheme.id, root: list ? join(out, list) : out };
}

async function write(
  faces: FaceDataset,
  { to, out, split }: { to: DataFormat; out: string; split: "train" | "test" },
): Promise<void> {
  if (to === "cofw") return writeCofw(join(out, `COFW_${split}_color.mat`), faces, { split });
  const folder = to === "wflw" ? "WFLW_images" : to in LISTS ? "images" : ".";
  await makeFolder(join(out, folder));
  const names = new NameGiver();
  // Pictures that several faces share are stored once in lists; label files stand beside one each.
  const shared = new Map<string, string>();
  const labels: FaceLabels[] = [];
  for (let i = 0; i < faces.length; i++) {
    const face = await describe(faces, i);
    const known = to in LISTS || to === "wflw" ? shared.get(face.file ?? "") : undefined;
    const name = known ?? names.next(face.id);
    const image = known ?? `${name}${face.file ? extname(face.file).toLowerCase() : ".png"}`;
    const target = join(out, folder, image);
    if (known === undefined) {
      if (face.file) await copyFile(face.file, target);
      else await writePng(target, (face.image ?? (await faces.get(i)).image) as RgbImage);
      if (face.file) shared.set(face.file, image);
    }
    const path = join(out, name);
    const { landmarks, visible, box, tags } = face;
    if (to === "pts") await writePts(`${path}.pts`, landmarks);
    else if (to === "ljson") await writeLjson(`${path}.ljson`, landmarks, { scheme: faces.scheme });
    else if (to === "json") await writeJson(`${path}.json`, { landmarks, box, ...(visible && { visible }) });
    else
      labels.push({
        image: to === "wflw" ? image : `${folder}/${image}`,
        landmarks,
        box,
        ...(visible && { visible }),
        tags,
      });
  }
  if (to === "dlib") await writeDlibXml(join(out, "faces.xml"), labels, { name: faces.name });
  if (to === "coco") await writeCoco(join(out, "faces.json"), labels, { scheme: faces.scheme });
  if (to === "csv") await writeCsv(join(out, "faces.csv"), labels);
  if (to === "wflw") {
    const list = join(out, WFLW_LISTS, `list_98pt_rect_attr_${split}.txt`);
    await makeFolder(dirname(list));
    await writeWflw(list, labels);
  }
}

async function describe(
  faces: FaceDataset,
  index: number,
): Promise<Omit<Face, "image"> & { file?: string; image?: RgbImage }> {
  const { describe, sources } = faces as Partial<OpenedDataset>;
  const record = describe?.call(faces, index);
  // Faces that are made when asked for are made once, with the flags that only the picture tells.
  return record && (record.file !== undefined || sources) ? { ...record, scheme: faces.scheme } : faces.get(index);
}

async function writePng(file: string, { width, height, data }: RgbImage): Promise<void> {
  const { Jimp } = await import("jimp");
  const picture = new Jimp({ width, height });
  const rgba = picture.bitmap.data;
  for (let i = 0, o = 0; i < data.length; i += 3, o += 4) {
    rgba[o] = data[i]!;
    rgba[o + 1] = data[i + 1]!;
    rgba[o + 2] = data[i + 2]!;
    rgba[o + 3] = 255;
  }
  await picture.write(file as `${string}.png`);
}

/** File names from ids: letters that every file system takes, each used once, order kept. */
class NameGiver {
  private readonly used = new Set<string>();

  next(id: string): string {
    const plain =
      id
        .replace(/\.(jpe?g|png)(?=$|#)/i, "")
        .replaceAll(/[^\w-]+/g, "_")
        .replace(/^_+/, "") || "face";
    for (let i = 1; ; i++) {
      const name = i === 1 ? plain : `${plain}_${i}`;
      // Some file systems do not tell upper from lower case.
      if (this.used.has(name.toLowerCase())) continue;
      this.used.add(name.toLowerCase());
      return name;
    }
  }
}
