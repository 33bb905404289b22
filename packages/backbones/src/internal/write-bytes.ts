import { DataFormatError, InvalidArgumentError } from "@acr/core";

type FileSystem = typeof import("node:fs");

/** Writes a file of Node under another name first, so that no half of one is ever seen. */
export async function writeBytes(caller: string, file: string, bytes: Uint8Array): Promise<void> {
  // Not an import, so that bundlers for browsers do not look for Node's modules.
  const fs = (globalThis.process as NodeJS.Process | undefined)?.getBuiltinModule?.("node:fs") as
    | FileSystem
    | undefined;
  if (!fs) {
    throw new InvalidArgumentError(
      `${caller}: a path needs Node 20.16 or later; got ${JSON.stringify(file)}. Leave it out and save the bytes.`,
    );
  }
  const partial = `${file}.${process.pid}.partial`;
  try {
    await fs.promises.writeFile(partial, bytes);
    await fs.promises.rename(partial, file);
  } catch (cause) {
    await fs.promises.rm(partial, { force: true });
    throw new DataFormatError("cannot be written.", { file, cause });
  }
}
