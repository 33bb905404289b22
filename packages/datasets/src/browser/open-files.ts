import { checkOptions, DataFormatError, getLandmarkScheme, InvalidArgumentError } from "@acr/core";
import type { DataFault } from "../data-fault.js";
import { pairFault, pairFiles, parseLabels } from "../internal/sample-pairs.js";
import { tightBox } from "../internal/tight-box.js";
import { toFault } from "../internal/to-fault.js";
import type { FaceRecord, OpenedDataset } from "../opened-dataset.js";
import { type FileSource, nameOfSource } from "./image-source.js";
import { readImage } from "./read-image.js";
import { readSource } from "./read-source.js";

/** Options of `openFiles`. */
export interface OpenFilesOptions {
  /** Pictures and their `.pts`, `.json` or `.ljson`, in any order: a `FileList`, files, named blobs or addresses. */
  files: Iterable<FileSource>;
  /** Landmark scheme by id. Default `ibug68`. */
  scheme?: string;
  /** Leave faulty samples out instead of refusing the data set. Default false. */
  skipFaulty?: boolean;
}

/**
 * Annotated faces in the browser: each `.jpg` or `.png` with a `.pts`, `.json` or `.ljson` of the same name, as `openPoints`
 * reads them from a folder. Labels are read at once, pictures when they are asked for.
 *
 * @throws {InvalidArgumentError} no files, an unknown scheme, two sources of one name.
 * @throws {DataFormatError} a faulty sample, with file and line, unless skipFaulty; nothing is left.
 * @example const faces = await openFiles({ files: input.files });
 */
export async function openFiles(options: OpenFilesOptions): Promise<OpenedDataset> {
  checkOptions("openFiles", options, ["files", "scheme", "skipFaulty"]);
  const { files, scheme: id = "ibug68", skipFaulty = false } = options;
  const scheme = getLandmarkScheme(id);
  const sources = new Map<string, FileSource>();
  for (const source of files) {
    const name = nameOfSource(source);
    if (sources.has(name))
      throw new InvalidArgumentError(`openFiles: files must have different names; got "${name}" twice.`);
    sources.set(name, source);
  }
  const pairs = pairFiles(sources.keys());
  if (pairs.length === 0)
    throw new InvalidArgumentError(
      `openFiles: files must hold pictures (.jpg, .png) with label files (.pts, .json); got ${sources.size} other files.`,
    );
  const records: FaceRecord[] = [];
  const pictures: FileSource[] = [];
  const faults: DataFault[] = [];
  for (const pair of pairs) {
    const { name, images, labels } = pair;
    const fault = pairFault(pair, (file) => file);
    if (fault) {
      faults.push(fault);
      continue;
    }
    try {
      const file = labels[0]!;
      const text = await (await readSource(sources.get(file)!)).text();
      const {
        landmarks,
        visible,
        box = tightBox(landmarks),
      } = parseLabels(text, {
        file,
        landmarkCount: scheme.landmarkCount,
      });
      if (!(box[2] > box[0] && box[3] > box[1]))
        throw new DataFormatError("the landmarks lie on a line; expected a face.", { file });
      records.push({ id: name, landmarks, ...(visible && { visible }), box, tags: {} });
      pictures.push(sources.get(images[0]!)!);
    } catch (error) {
      faults.push(toFault(error));
    }
  }
  const [first] = faults;
  if (first && (!skipFaulty || records.length === 0))
    throw new DataFormatError(`${first.message} (${faults.length} faulty of ${pairs.length}.)`, first);
  const describe = (index: number) => {
    const record = records[index];
    if (!record)
      throw new InvalidArgumentError(`openFiles: index must be an integer in [0, ${records.length}); got ${index}.`);
    return record;
  };
  const get = async (index: number) => ({ ...describe(index), image: await readImage(pictures[index]!), scheme });
  return {
    name: "files",
    length: records.length,
    scheme,
    faults,
    skipped: faults.length,
    describe,
    get,
    async *[Symbol.asyncIterator]() {
      for (let i = 0; i < records.length; i++) yield get(i);
    },
  };
}
