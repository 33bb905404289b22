import { existsSync } from "node:fs";
import { open, rename, rm, stat } from "node:fs/promises";
import { checkOptions, DataFormatError, type FaceDataset, InvalidArgumentError } from "@acr/core";
import { type CropProtocol, checkProtocol } from "./crop-transform.js";
import type { DataFault } from "./data-fault.js";
import { checkWorkers } from "./internal/check-workers.js";
import { checksum } from "./internal/checksum.js";
import { datasetFingerprint } from "./internal/dataset-fingerprint.js";
import { FaceEngine, storedSizeOf } from "./internal/face-engine.js";
import {
  FORMAT_VERSION,
  HEADER_BYTES,
  headerOf,
  type PreparedIndex,
  type PreparedRecord,
  readPreparedIndex,
} from "./internal/prepared-format.js";
import { startRunner } from "./internal/start-runner.js";
import { toFault } from "./internal/to-fault.js";
import { temporaryName } from "./internal/write-whole-file.js";
import type { OpenedDataset } from "./opened-dataset.js";

/** Options of `prepareDataset`. */
export interface PrepareOptions {
  /** The file to make. */
  file: string;
  /** Side in pixels of the crops that will be trained on. */
  imageSize: number;
  /** Default `padded`. */
  protocol?: CropProtocol;
  /** `wide` leaves room for augmentation, see `createFaceCache`. Default `wide`. */
  extent?: "wide" | "crop";
  /** Threads that decode. Default: up to 2 where it helps. */
  workers?: number;
  /** Leave out faces whose picture cannot be read, instead of stopping. Default false. */
  skipFaulty?: boolean;
  /** Make the file anew even where it fits. Default false. */
  force?: boolean;
  /** Told after each face. */
  onProgress?(done: number, total: number): void;
  /** Stops before the next face; what was there before stays, and nothing else is left. */
  signal?: AbortSignal;
}

/** What was prepared. */
export interface PreparedSummary {
  file: string;
  count: number;
  bytes: number;
  /** False where the file that was there still fits. */
  rebuilt: boolean;
  faults: DataFault[];
}

/** Faces under way at a time. */
const AHEAD = 32;

/**
 * Stores a square crop of each face as raw pixels in one file, with labels and checksums, so that training reads instead of
 * decoding. A file that is there is kept as long as labels, pictures (by size and time of change), protocol, sizes and
 * the format's version are the same; else it is made anew, beside the old one, and replaces it when complete.
 *
 * @throws {InvalidArgumentError} an option is out of range.   @throws {DataFormatError} a picture cannot be read, unless skipFaulty.
 * @throws the reason of `signal` once it is aborted.
 * @example
 * await prepareDataset(faces, { file: "faces.acr", imageSize: 112 });
 * const loader = createLoader(await openPrepared({ file: "faces.acr" }), { batchSize: 16, imageSize: 112 });
 */
export async function prepareDataset(dataset: FaceDataset, options: PrepareOptions): Promise<PreparedSummary> {
  checkOptions("prepareDataset", options, [
    "file",
    "imageSize",
    "protocol",
    "extent",
    "workers",
    "skipFaulty",
    "force",
    "onProgress",
    "signal",
  ]);
  const { file, imageSize, protocol = "padded", extent = "wide", workers, skipFaulty = false, force = false } = options;
  if (typeof file !== "string" || file === "")
    throw new InvalidArgumentError(`prepareDataset: file must be the file to make; got ${JSON.stringify(file)}.`);
  if (!Number.isInteger(imageSize) || imageSize < 1 || imageSize > 4096)
    throw new InvalidArgumentError(`prepareDataset: imageSize must be an integer from 1 to 4096; got ${imageSize}.`);
  if (extent !== "wide" && extent !== "crop")
    throw new InvalidArgumentError(`prepareDataset: extent must be "wide" or "crop"; got ${String(extent)}.`);
  checkProtocol("prepareDataset", protocol);
  checkWorkers("prepareDataset", workers);
  const fingerprint = await datasetFingerprint(dataset, { imageSize, protocol, extent, version: FORMAT_VERSION });
  const known = force ? undefined : fittingIndex(file, fingerprint);
  if (known && (skipFaulty || known.faults.length === 0)) {
    const { size } = await stat(file);
    return { file, count: known.faces.length, bytes: size, rebuilt: false, faults: known.faults };
  }
  const engine = new FaceEngine(dataset, {
    imageSize,
    protocol,
    extent,
    megabytes: 0,
    start: () => startRunner({ faceCount: dataset.length, ...(workers !== undefined && { workers }) }),
  });
  const temporary = temporaryName(file);
  const faces: PreparedRecord[] = [];
  const faults: DataFault[] = [];
  const opened = dataset as Partial<OpenedDataset>;
  const output = await open(temporary, "wx");
  try {
    // `writeFile` goes on where the last one ended, and until all is written; `write` may stop short of a full disk.
    await output.writeFile(Buffer.alloc(HEADER_BYTES));
    const underWay: ReturnType<FaceEngine["storedImage"]>[] = [];
    for (let i = 0, asked = 0; i < dataset.length; i++) {
      options.signal?.throwIfAborted();
      for (; asked < Math.min(i + AHEAD, dataset.length); asked++) {
        underWay[asked] = engine.storedImage(asked);
        underWay[asked]!.catch(() => {});
      }
      try {
        const { face, image } = await underWay[i]!;
        const pixels = Uint8Array.from(image.data);
        await output.writeFile(pixels);
        const { id, box, landmarks, visible } = face;
        faces.push({
          id,
          box,
          landmarks: Array.from(landmarks),
          ...(visible && { visible: Array.from(visible) }),
          tags: { ...opened.describe?.(i).tags },
          crc: checksum(pixels),
        });
      } catch (error) {
        if (!skipFaulty || !DataFormatError.isInstance(error)) throw error;
        faults.push(toFault(error));
      }
      delete underWay[i];
      options.onProgress?.(i + 1, dataset.length);
    }
    if (faces.length === 0)
      throw new DataFormatError(`all ${dataset.length} faces are faulty. First: ${faults[0]?.message}`, { file });
    const storedSize = storedSizeOf(imageSize, extent);
    const index: PreparedIndex = {
      scheme: dataset.scheme.id,
      name: dataset.name,
      imageSize,
      protocol,
      extent,
      storedSize,
      fingerprint,
      faces,
      faults,
    };
    const bytes = Buffer.from(JSON.stringify(index));
    const offset = HEADER_BYTES + faces.length * storedSize ** 2 * 3;
    await output.writeFile(bytes);
    await output.write(headerOf({ offset, length: bytes.length, crc: checksum(bytes) }), 0, HEADER_BYTES, 0);
    await output.close();
    await rename(temporary, file);
    return { file, count: faces.length, bytes: offset + bytes.length, rebuilt: true, faults };
  } finally {
    await output.close().catch(() => {});
    await rm(temporary, { force: true });
    await engine.close();
  }
}

/** The index of the file that is there, if it was made from the same. */
function fittingIndex(file: string, fingerprint: string): PreparedIndex | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const index = readPreparedIndex(file);
    return index.fingerprint === fingerprint ? index : undefined;
  } catch (error) {
    // A damaged or old file is replaced; a file of another kind is not ours to overwrite.
    if (!DataFormatError.isInstance(error) || error.message.includes("is no prepared file"))
      throw new InvalidArgumentError(
        `prepareDataset: file "${file}" exists and is no prepared file. Choose another name.`,
      );
    return undefined;
  }
}
