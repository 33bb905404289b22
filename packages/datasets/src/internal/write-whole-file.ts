import { randomBytes } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";

/** Writes beside the target and renames, so that a reader never sees half a file and a failure leaves the old one. */
export async function writeWholeFile(
  file: string,
  content: string | Uint8Array | Iterable<string> | AsyncIterable<string>,
): Promise<void> {
  const temporary = temporaryName(file);
  try {
    await writeFile(temporary, content as string);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** A name beside the target that nothing else uses. */
export const temporaryName = (file: string) => `${file}.${randomBytes(6).toString("hex")}.tmp`;
