import { readdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { InvalidArgumentError } from "@acr/core";
import { isRunning } from "@acr/core/node";
import { removeHalfFiles } from "./remove-half-files.js";
import { storageFault } from "./storage-fault.js";

/** Named like half a file (`removeHalfFiles`), so that it is never copied with a run and goes with a process that was killed. */
const HOLDER = /^training\.(\d+)\.tmp$/;

/** Folders that this process trains into. Its own mark does not tell: in a restarted container a dead process had the same number. */
const held = new Set<string>();

/**
 * Keeps a run folder for this training until `release`, and takes away what killed ones left half written there: two that
 * train into one folder would write over each other's checkpoints. Processes on other machines, and in other containers, are not seen.
 *
 * @throws {InvalidArgumentError} a training into the folder is under way.
 * @throws {StorageError} the folder cannot be written to.
 */
export async function holdRunFolder(folder: string): Promise<{ release(): Promise<void> }> {
  const key = resolve(folder);
  if (held.has(key))
    throw new InvalidArgumentError(
      `train: this process is training into "${folder}" already. Wait for that to end, or choose another --out.`,
    );
  held.add(key);
  const own = join(folder, `training.${process.pid}.tmp`);
  const release = async () => {
    held.delete(key);
    // Where it cannot be removed, it goes with the next training.
    await rm(own, { force: true }).catch(() => undefined);
  };
  try {
    await removeHalfFiles(folder);
    await writeFile(own, "");
    // Behind one's own mark: of two that start at once at least one sees the other.
    for (const name of await readdir(folder)) {
      const holder = Number(HOLDER.exec(name)?.[1]);
      if (Number.isNaN(holder) || holder === process.pid || !isRunning(holder)) continue;
      throw new InvalidArgumentError(
        `train: process ${holder} is training into "${folder}" already. Wait for it to end, or choose another --out. If that process is no training, remove ${join(folder, name)}.`,
      );
    }
  } catch (error) {
    await release();
    throw storageFault(error, own);
  }
  return { release };
}
