import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { DataFormatError } from "@acr/core";
import { writeFileAtomically } from "./internal/write-file-atomically.js";
import type { Recipe } from "./recipe.js";
import type { EpochMetrics } from "./train-event.js";

/** Everything a training run needs to go on as if it had never stopped. */
export interface Checkpoint {
  /** Zero-based epoch in progress. */
  epoch: number;
  /** Batches of that epoch already done: the loader's position. */
  batch: number;
  /** Optimizer steps done. */
  step: number;
  /** Sum of the losses of the epoch's batches so far. */
  lossSum: number;
  /** Optimizer steps that its bias correction has seen. */
  optimizerStep: number;
  /** The best validation NME so far, in percent, and its epoch. */
  best?: { epoch: number; nmePercent: number };
  /** The epochs finished so far: what plateau, early stop and `metrics.jsonl` depend on. */
  history: EpochMetrics[];
  /** State of the random streams: they are functions of this seed, the epoch, the step and the face. */
  random: { seed: number; epoch: number; step: number };
  /** Seconds of training and validation so far. */
  seconds: number;
  /** Modes of the smooth face in the stage in progress. */
  modes?: number;
  /** What is trained: a run goes on with the same recipe alone. */
  recipe?: Recipe;
  /** Faces of both sets: a run goes on with as many. */
  faceCounts?: { train: number; val: number };
  /** Named arrays: weights, moving statistics, optimizer slots, averaged weights. */
  arrays: Record<string, Float32Array>;
}

const MAGIC = "ACRCKPT2";
const PREFIX = 12;
const DIGEST = 32;

/**
 * Writes a checkpoint as one file: magic, header length, JSON header, float32 data, SHA-256 of all before. Atomic; the
 * file that it replaces stays as `previousPath`.
 *
 * @throws {StorageError} the disk is full or read-only; the files of before are intact.
 * @example await saveCheckpoint("runs/a/checkpoint/last.bin", checkpoint, { previousPath: "runs/a/checkpoint/previous.bin" });
 */
export async function saveCheckpoint(
  path: string,
  { arrays, ...state }: Checkpoint,
  { previousPath }: { previousPath?: string } = {},
): Promise<void> {
  const entries = Object.entries(arrays).map(([name, array]) => [name, array.length]);
  const header = Buffer.from(JSON.stringify({ formatVersion: 2, state, entries }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const parts: Uint8Array[] = [Buffer.from(MAGIC), length, header];
  for (const array of Object.values(arrays))
    parts.push(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  const checksum = createHash("sha256");
  for (const part of parts) checksum.update(part);
  await writeFileAtomically(path, [...parts, checksum.digest()], { keepAs: previousPath });
}

/**
 * Reads a checkpoint.
 *
 * @throws {DataFormatError} the file is absent, is no checkpoint, is cut short, or its checksum is wrong.
 * @example const { epoch, arrays } = await loadCheckpoint("runs/a/checkpoint/last.bin");
 */
export async function loadCheckpoint(path: string): Promise<Checkpoint> {
  const fault = (what: string, cause?: unknown) => new DataFormatError(what, { file: path, cause });
  const bytes = await readFile(path).catch((cause) => {
    throw fault("the checkpoint cannot be read", cause);
  });
  if (bytes.length < PREFIX + DIGEST || bytes.toString("latin1", 0, 7) !== MAGIC.slice(0, 7))
    throw fault("not a checkpoint of this project, or cut short");
  if (bytes.toString("latin1", 0, 8) !== MAGIC)
    throw fault(`checkpoint format ${bytes.toString("latin1", 7, 8)}; expected 2`);
  const end = bytes.length - DIGEST;
  if (!createHash("sha256").update(bytes.subarray(0, end)).digest().equals(bytes.subarray(end)))
    throw fault("the checkpoint is damaged or cut short (checksum)");
  const dataStart = PREFIX + bytes.readUInt32LE(8);
  const { state, entries } = JSON.parse(bytes.toString("utf8", PREFIX, dataStart)) as {
    state: Omit<Checkpoint, "arrays">;
    entries: [string, number][];
  };
  const arrays: Record<string, Float32Array> = {};
  let offset = bytes.byteOffset + dataStart;
  for (const [name, length] of entries) {
    arrays[name] = new Float32Array(bytes.buffer.slice(offset, offset + length * 4));
    offset += length * 4;
  }
  return { ...state, arrays };
}

/**
 * Reads the last checkpoint of a run, or the one before where the last is damaged.
 *
 * @returns `undefined` when there is none yet; `fault` says why the last one was not taken.
 * @throws {DataFormatError} there are checkpoints and all are damaged.
 * @example const found = await loadNewestCheckpoint(runFiles("runs/a"));
 */
export async function loadNewestCheckpoint(files: {
  checkpoint: string;
  previousCheckpoint: string;
}): Promise<{ checkpoint: Checkpoint; fault?: string } | undefined> {
  const faults: string[] = [];
  for (const path of [files.checkpoint, files.previousCheckpoint]) {
    if (!existsSync(path)) continue;
    try {
      return { checkpoint: await loadCheckpoint(path), ...(faults.length > 0 && { fault: faults[0] }) };
    } catch (error) {
      faults.push((error as Error).message);
    }
  }
  if (faults.length === 0) return undefined;
  throw new DataFormatError(
    `no checkpoint of this run can be read (${faults.join("; ")}). Train again in another folder.`,
    { file: files.checkpoint },
  );
}
