import { mkdtemp, readdir, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { InvalidArgumentError, StorageError } from "@acr/core";
import { makeFolder } from "@acr/core/node";

/** Refuses a folder that holds anything, or is none, before the long work that would fill it. */
export async function checkNewFolder(option: string, folder: string): Promise<void> {
  const present = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return [];
    throw new InvalidArgumentError(`${option} "${folder}" is no folder; expected a new or empty one.`, { cause });
  });
  if (present.length > 0)
    throw new InvalidArgumentError(`${option} "${folder}" is not empty: nothing is overwritten. Name a new folder.`);
}

/** Writes a whole folder or none: the files first stand in another one beside it, which then takes its name. */
export async function writeFolder(folder: string, files: Record<string, string | Uint8Array>): Promise<void> {
  // Without a slash at the end, which would put the other folder into it.
  const target = resolve(folder);
  let partial: string | undefined;
  try {
    await makeFolder(dirname(target));
    partial = await mkdtemp(join(dirname(target), `.${basename(target)}-`));
    for (const [name, content] of Object.entries(files)) await writeFile(join(partial, name), content);
    await rmdir(target).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== "ENOENT") throw cause;
    });
    await rename(partial, target);
  } catch (cause) {
    if (partial !== undefined) await rm(partial, { recursive: true, force: true });
    if (StorageError.isInstance(cause)) throw cause;
    throw new InvalidArgumentError(`cannot write the folder "${folder}": ${(cause as Error).message}.`, { cause });
  }
}
