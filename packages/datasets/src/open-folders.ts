import { existsSync, readdirSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { isAbsolute, join, normalize, parse, relative } from "node:path";
import {
  type Box,
  DataFormatError,
  type Face,
  type FaceDataset,
  InvalidArgumentError,
  type LandmarkScheme,
} from "@acr/core";
import { imageFault, readImage } from "./read-image.js";
import { parsePts } from "./read-pts.js";

/** A file that does not hold what it should. */
export interface DataFault {
  file: string;
  line?: number;
  message: string;
}

/** Faces found in folders, and what is wrong there. */
export interface FolderScan {
  samples: { id: string; image: string; landmarks: Float64Array }[];
  faults: DataFault[];
}

const IMAGE_EXTENSIONS = [".jpg", ".jpeg", ".png"];
/** Enough to see the first and the last marker. */
const ENDS = 512;

/** The first and last bytes of a file. */
async function readEnds(file: string): Promise<Uint8Array> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    if (size <= 2 * ENDS) return await handle.readFile();
    const bytes = Buffer.alloc(2 * ENDS);
    await handle.read(bytes, 0, ENDS, 0);
    await handle.read(bytes, ENDS, ENDS, size - ENDS);
    return bytes;
  } finally {
    await handle.close();
  }
}

/**
 * Pairs pictures with `.pts` files in folders, in order of name, and checks each pair without decoding pixels.
 *
 * @throws {InvalidArgumentError} root or a folder does not exist, a folder leaves root.   @throws {DataFormatError} nothing is found at all.
 */
export async function scanFolders(
  functionName: string,
  root: string,
  folders: readonly string[],
  scheme: LandmarkScheme,
): Promise<FolderScan> {
  if (!existsSync(root))
    throw new InvalidArgumentError(
      `${functionName}: root "${root}" does not exist. Give the folder that holds the data set.`,
    );
  const samples: FolderScan["samples"] = [];
  const faults: DataFault[] = [];
  for (const folder of folders) {
    const path = join(root, folder);
    if (isAbsolute(folder) || relative(root, normalize(path)).startsWith(".."))
      throw new InvalidArgumentError(`${functionName}: split folder "${folder}" must lie inside root.`);
    if (!existsSync(path))
      throw new InvalidArgumentError(`${functionName}: folder "${path}" does not exist. Check root and split.`);
    const files = readdirSync(path).sort();
    const images = new Map(
      files
        .filter((file) => IMAGE_EXTENSIONS.includes(parse(file).ext.toLowerCase()))
        .map((file) => [parse(file).name, file]),
    );
    const labels = new Map(files.filter((file) => file.endsWith(".pts")).map((file) => [parse(file).name, file]));
    for (const name of [...new Set([...images.keys(), ...labels.keys()])].sort()) {
      const [image, label] = [images.get(name), labels.get(name)];
      if (!label) {
        faults.push({
          file: join(path, image!),
          message: `has no ${name}.pts beside it. Add the labels or remove the picture.`,
        });
        continue;
      }
      const file = join(path, label);
      if (!image) {
        faults.push({ file, message: `has no picture ${name}.jpg or .png beside it. Add it or remove the labels.` });
        continue;
      }
      try {
        const landmarks = parsePts(await readFile(file, "utf8"), { file, landmarkCount: scheme.landmarkCount });
        const fault = imageFault(await readEnds(join(path, image)));
        if (fault) faults.push({ file: join(path, image), message: fault });
        else samples.push({ id: `${folder}/${name}`.replace(/^\.\//, ""), image: join(path, image), landmarks });
      } catch (error) {
        if (!DataFormatError.isInstance(error)) throw error;
        faults.push({ file: error.file, line: error.line, message: error.message.replace(/^.*?: /, "") });
      }
    }
  }
  if (samples.length === 0 && faults.length === 0) {
    throw new DataFormatError("no pictures with .pts files found. Check root and split.", {
      file: folders.map((folder) => join(root, folder)).join(", "),
    });
  }
  return { samples, faults };
}

/** A data set in folders; pictures are decoded when they are asked for. */
export class FolderDataset implements FaceDataset {
  constructor(
    readonly name: string,
    readonly scheme: LandmarkScheme,
    private readonly samples: FolderScan["samples"],
    /** Faulty samples left out. */
    readonly skipped: number,
  ) {}

  get length(): number {
    return this.samples.length;
  }

  async get(index: number): Promise<Face> {
    const sample = this.samples[index];
    if (!sample) throw new InvalidArgumentError(`${this.name}: index must be in [0, ${this.length}); got ${index}.`);
    const { id, landmarks } = sample;
    return {
      id,
      image: await readImage(sample.image),
      landmarks,
      box: tightBox(landmarks),
      scheme: this.scheme,
      tags: {},
    };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Face> {
    for (let i = 0; i < this.length; i++) yield this.get(i);
  }
}

/** Smallest box around the landmarks. */
function tightBox(landmarks: Float64Array): Box {
  let [x0, y0, x1, y1] = [landmarks[0]!, landmarks[1]!, landmarks[0]!, landmarks[1]!];
  for (let i = 0; i < landmarks.length; i += 2) {
    x0 = Math.min(x0, landmarks[i]!);
    x1 = Math.max(x1, landmarks[i]!);
    y0 = Math.min(y0, landmarks[i + 1]!);
    y1 = Math.max(y1, landmarks[i + 1]!);
  }
  return [x0, y0, x1, y1];
}

/** Turns a scan into a data set; faults stop it unless they may be skipped. */
export function datasetFromScan(
  name: string,
  scheme: LandmarkScheme,
  { samples, faults }: FolderScan,
  skipFaulty: boolean,
): FolderDataset {
  const [first] = faults;
  if (first && !skipFaulty) {
    const more = faults.length > 1 ? ` (and ${faults.length - 1} more faults: see acr data inspect)` : "";
    throw new DataFormatError(
      `${first.message}${more} Or leave faulty samples out with skipFaulty (--skip-faulty).`,
      first,
    );
  }
  if (samples.length === 0) throw new DataFormatError(`all ${faults.length} samples are faulty; none is left.`, first!);
  return new FolderDataset(name, scheme, samples, faults.length);
}
