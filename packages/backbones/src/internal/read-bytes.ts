import { DataFormatError, InvalidArgumentError } from "@acr/core";

type FileSystem = typeof import("node:fs");

/** Bytes as given, or in Node those of the file at a path. */
export async function readBytes(caller: string, file: unknown): Promise<Uint8Array> {
  if (file instanceof Uint8Array) return file;
  if (file instanceof ArrayBuffer) return new Uint8Array(file);
  if (typeof file !== "string") {
    throw new InvalidArgumentError(
      `${caller}: file must be a path, an ArrayBuffer or a Uint8Array; got ${file === null ? "null" : typeof file}.`,
    );
  }
  // Not an import, so that bundlers for browsers do not look for Node's modules.
  const fs = (globalThis.process as NodeJS.Process | undefined)?.getBuiltinModule?.("node:fs") as
    | FileSystem
    | undefined;
  if (!fs)
    throw new InvalidArgumentError(
      `${caller}: a path needs Node 20.16 or later; got ${JSON.stringify(file)}. Pass the file's bytes.`,
    );
  try {
    return await fs.promises.readFile(file);
  } catch (cause) {
    throw new DataFormatError("cannot be read.", { file, cause });
  }
}
