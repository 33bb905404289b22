import { link, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { storageFault } from "./storage-fault.js";

/**
 * Writes a file so that a crash leaves either the old one or the new one, never a half: temporary file, fsync, rename,
 * fsync of the folder.
 *
 * @param options.keepAs - name for the file that is replaced; at no moment are both absent.
 */
export async function writeFileAtomically(
  path: string,
  parts: readonly (Uint8Array | string)[],
  { keepAs }: { keepAs?: string } = {},
): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, "w");
    try {
      for (const part of parts) await file.writeFile(part);
      await file.sync();
    } finally {
      await file.close();
    }
    if (keepAs !== undefined) await keep(path, keepAs);
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw storageFault(error, path);
  }
}

/** A second name for a file, replacing what had that name. */
async function keep(path: string, keepAs: string): Promise<void> {
  const temporary = `${keepAs}.${process.pid}.tmp`;
  await rm(temporary, { force: true });
  try {
    await link(path, temporary);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return;
    // File systems without hard links: for a moment only the older name exists, with whole contents.
    if (code === "EPERM" || code === "ENOTSUP" || code === "ENOSYS") return rename(path, keepAs);
    throw error;
  }
  await rename(temporary, keepAs);
}

async function syncFolder(path: string): Promise<void> {
  // Windows cannot open folders.
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync().catch(() => undefined);
  } finally {
    await folder.close();
  }
}
