import { open, rename, rm } from "node:fs/promises";

/** Writes a file so that a crash leaves either the old one or the new one, never a half: temporary file, fsync, rename. */
export async function writeFileAtomically(path: string, parts: readonly (Uint8Array | string)[]): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, "w");
    try {
      for (const part of parts) await file.writeFile(part);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
