import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { InvalidArgumentError } from "@acr/core";
import { makeFolder } from "@acr/core/node";
import { writeFileAtomically } from "./internal/write-file-atomically.js";
import type { RunStore } from "./run-store.js";

/**
 * A store in a folder, e.g. on a mounted disk that has another path on each machine.
 *
 * @throws {StorageError} the folder cannot be written to.   @throws {InvalidArgumentError} a key leads out of the folder.
 * @example const store = createFolderStore("/mnt/runs");
 */
export function createFolderStore(folder: string): RunStore {
  const fileOf = (key: string) => {
    if (key.split("/").some((part) => part === "" || part === "." || part === ".."))
      throw new InvalidArgumentError(
        `createFolderStore: a key must be names separated by slashes; got ${JSON.stringify(key)}.`,
      );
    return join(folder, key);
  };
  return {
    put: async (key, bytes) => {
      const file = fileOf(key);
      await makeFolder(dirname(file));
      await writeFileAtomically(file, [bytes]);
    },
    get: async (key) => {
      try {
        return await readFile(fileOf(key));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
      }
    },
    list: async (prefix) => {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error) => {
        if (error.code === "ENOENT") return [];
        throw error;
      });
      return entries
        .filter((entry) => entry.isFile() && !entry.name.endsWith(".tmp"))
        .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)).replaceAll(sep, "/"))
        .filter((key) => key.startsWith(prefix))
        .sort();
    },
  };
}
