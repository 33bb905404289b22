import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isRunning } from "@acr/core/node";

/** What `writeFileAtomically` calls a file until it is whole. */
const HALF_FILE = /\.(\d+)\.tmp$/;

/**
 * Removes the files that killed processes left half written in a folder and below it: each may be as big as a checkpoint.
 * Those of other processes that still run stay. Not for a folder that this process is writing to.
 */
export async function removeHalfFiles(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const owner = Number(HALF_FILE.exec(entry.name)?.[1]);
    if (!Number.isNaN(owner) && (owner === process.pid || !isRunning(owner)))
      // Where nothing can be removed, the next write says why.
      await rm(join(entry.parentPath ?? entry.path, entry.name), { force: true }).catch(() => undefined);
  }
}
