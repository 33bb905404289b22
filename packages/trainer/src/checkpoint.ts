import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { DataFormatError } from "@acr/core";
import { writeFileAtomically } from "./internal/write-file-atomically.js";

/** Everything a training run needs to go on as if it had never stopped. */
export interface Checkpoint {
  /** Zero-based epoch in progress. */
  epoch: number;
  /** Batches of that epoch already done. */
  batch: number;
  /** Optimizer steps done. */
  step: number;
  /** Sum of the losses of the epoch's batches so far. */
  lossSum: number;
  /** Optimizer steps that its bias correction has seen. */
  optimizerStep: number;
  /** The best validation NME so far, in percent, and its epoch. */
  best?: { epoch: number; nmePercent: number };
  /** Named arrays: weights, moving statistics, optimizer slots. */
  arrays: Record<string, Float32Array>;
}

const MAGIC = "ACRCKPT1";

/**
 * Writes a checkpoint as one file: magic, header length, JSON header (with a checksum), float32 data. Atomic.
 *
 * @example await saveCheckpoint("runs/a/checkpoint/last.bin", checkpoint);
 */
export async function saveCheckpoint(path: string, { arrays, ...state }: Checkpoint): Promise<void> {
  const names = Object.keys(arrays);
  const parts = names.map((name) => {
    const array = arrays[name]!;
    return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  });
  const checksum = createHash("sha256");
  for (const part of parts) checksum.update(part);
  const entries = names.map((name) => [name, arrays[name]!.length]);
  const header = Buffer.from(JSON.stringify({ formatVersion: 1, state, entries, sha256: checksum.digest("hex") }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  await writeFileAtomically(path, [MAGIC, length, header, ...parts]);
}

/**
 * Reads a checkpoint.
 *
 * @throws {DataFormatError} the file is no checkpoint, is cut short, or its checksum is wrong.
 * @example const { epoch, arrays } = await loadCheckpoint("runs/a/checkpoint/last.bin");
 */
export async function loadCheckpoint(path: string): Promise<Checkpoint> {
  const fault = (what: string) =>
    new DataFormatError(`${what}. Start again without --resume, in another folder.`, { file: path });
  const bytes = await readFile(path);
  if (bytes.length < 12 || bytes.toString("latin1", 0, 8) !== MAGIC) throw fault("not a checkpoint of this project");
  const dataStart = 12 + bytes.readUInt32LE(8);
  if (dataStart > bytes.length) throw fault("the checkpoint is cut short");
  const header = JSON.parse(bytes.toString("utf8", 12, dataStart)) as {
    formatVersion: number;
    state: Omit<Checkpoint, "arrays">;
    entries: [string, number][];
    sha256: string;
  };
  if (header.formatVersion !== 1) throw fault(`checkpoint format ${header.formatVersion} is newer than this program`);
  const data = bytes.subarray(dataStart);
  if (createHash("sha256").update(data).digest("hex") !== header.sha256)
    throw fault("the checkpoint is damaged (checksum)");
  const arrays: Record<string, Float32Array> = {};
  let offset = 0;
  for (const [name, length] of header.entries) {
    arrays[name] = new Float32Array(data.buffer.slice(data.byteOffset + offset, data.byteOffset + offset + length * 4));
    offset += length * 4;
  }
  return { ...header.state, arrays };
}
