import { open } from "node:fs/promises";
import {
  type Affine,
  applyAffine,
  type Box,
  checkOptions,
  DataFormatError,
  type Face,
  getLandmarkScheme,
  InvalidArgumentError,
  invertAffine,
  type LandmarkScheme,
} from "@acr/core";
import type { CropProtocol } from "./crop-transform.js";
import { imageFrame, storedMap } from "./internal/face-engine.js";
import { PixelLoader } from "./internal/load-pixels.js";
import { pixelOffset, readPreparedIndex } from "./internal/prepared-format.js";
import { setPrepared } from "./internal/prepared-of.js";
import type { PreparedPixels } from "./internal/prepared-pixels.js";
import type { FaceRecord, OpenedDataset } from "./opened-dataset.js";

/** Options of `openPrepared`. */
export interface OpenPreparedOptions {
  /** What `prepareDataset` or `acr data prepare` made. */
  file: string;
}

/** Faces of a prepared file. */
export interface PreparedDataset extends OpenedDataset {
  /** What it was prepared for. */
  readonly imageSize: number;
  readonly protocol: CropProtocol;
}

/**
 * Opens a prepared file as a data set: its pictures are the stored squares, its landmarks and boxes lie in their pixels.
 * `createLoader` and `createBatches` read them without decoding and give, for the size and protocol they were prepared
 * for, the same crops as from the source through a stored square. Each square is checked when it is read.
 *
 * @throws {DataFormatError} no prepared file, another version, cut short, damaged.
 * @example const loader = createLoader(await openPrepared({ file: "faces.acr" }), { batchSize: 16, imageSize: 112 });
 */
export async function openPrepared(options: OpenPreparedOptions): Promise<PreparedDataset> {
  checkOptions("openPrepared", options, ["file"]);
  const { file } = options;
  const index = readPreparedIndex(file);
  const { faces, storedSize, protocol, extent, imageSize, faults } = index;
  const scheme = schemeOf(index.scheme, file);
  const length = faces.length;
  const toSource = faces.map(({ box }) => imageFrame(storedMap(box, protocol, extent), storedSize));
  const at = (i: number) => {
    const face = faces[i];
    if (!face) throw new InvalidArgumentError(`openPrepared: index must be an integer in [0, ${length}); got ${i}.`);
    return face;
  };
  const records = faces.map(({ id, landmarks, visible, tags, box }, i): FaceRecord => {
    if (landmarks.length !== 2 * scheme.landmarkCount)
      throw new DataFormatError(`face ${id} has ${landmarks.length / 2} points; expected ${scheme.landmarkCount}.`, {
        file,
      });
    const toStored: Affine = invertAffine(toSource[i]!);
    const [x0, y0, x1, y1] = applyAffine(toStored, [...box]);
    return {
      id,
      landmarks: applyAffine(toStored, landmarks),
      ...(visible && { visible: Uint8Array.from(visible) }),
      box: [x0!, y0!, x1!, y1!] as Box,
      tags,
    };
  });
  const pixels: PreparedPixels = {
    file,
    source: (i) => ({ kind: "range", file, offset: pixelOffset(index, i), size: storedSize, checksum: at(i).crc }),
    imageToSource: (i) => toSource[i]!,
    annotations: at,
  };
  const get = async (i: number): Promise<Face> => {
    const record = dataset.describe(i);
    const loader = new PixelLoader();
    try {
      return { ...record, image: await loader.load(pixels.source(i)), scheme };
    } finally {
      await loader.close();
    }
  };
  const dataset: PreparedDataset = {
    name: `prepared:${index.name}`,
    length,
    scheme,
    imageSize,
    protocol,
    faults,
    skipped: faults.length,
    sources: [file],
    describe: (i) => {
      at(i);
      return records[i]!;
    },
    get,
    async *[Symbol.asyncIterator]() {
      for (let i = 0; i < length; i++) yield get(i);
    },
  };
  // Fails early where the file cannot be opened for reading.
  await (await open(file)).close();
  setPrepared(dataset, pixels);
  return dataset;
}

/** The scheme that the index names. */
function schemeOf(id: string, file: string): LandmarkScheme {
  try {
    return getLandmarkScheme(id);
  } catch (cause) {
    throw new DataFormatError(`has landmarks of the unknown scheme "${id}". Prepare it again (acr data prepare).`, {
      file,
      cause,
    });
  }
}
