import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { storageFault } from "./storage-fault.js";

/**
 * Makes a folder and those above it, one level at a time.
 *
 * Node's own `mkdir(path, { recursive: true })` never comes back where a file system answers "no such folder" for a child
 * of a folder that is there, as `/proc` does; this says so.
 *
 * Edges: a folder that is there is left as it is; several callers may make the same one at once.
 *
 * @param options.hint - a sentence to end an error with.
 * @throws {StorageError} no permission, disk full or read-only, a file in the way, a place where nothing can be made.
 * @example await makeFolder("runs/first");
 */
export async function makeFolder(folder: string, { hint }: { hint?: string } = {}): Promise<void> {
  let at = resolve(folder);
  try {
    const missing: string[] = [];
    while (!(await isFolder(at))) {
      missing.push(at);
      const above = dirname(at);
      // Not even the root: a drive of Windows that is not there.
      if (above === at) throw Object.assign(new Error(`${at} is not there`), { code: "ENOENT" });
      at = above;
    }
    for (const path of missing.reverse()) {
      at = path;
      await mkdir(path).catch(async (error) => {
        // Made by another in the meantime.
        if (error.code !== "EEXIST" || !(await isFolder(path))) throw error;
      });
    }
  } catch (error) {
    throw storageFault(error, at, {
      what: `cannot make the folder ${folder}${at === resolve(folder) ? "" : `, at ${at}`}`,
      hint,
    });
  }
}

/** Whether a folder is there; throws where something else is, or may be. */
async function isFolder(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
  throw Object.assign(new Error(`${path} is a file`), { code: "ENOTDIR" });
}
