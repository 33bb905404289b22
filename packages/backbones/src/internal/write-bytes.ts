import { DataFormatError, InvalidArgumentError } from "@acr/core";
import { fileFault } from "./file-fault.js";
import { importNode, isNode } from "./import-node.js";

let fileCounter = 0;

/** Writes a file of Node under another name first, so that no half of one is ever seen. */
export async function writeBytes(caller: string, file: string, bytes: Uint8Array): Promise<void> {
  if (!isNode()) {
    throw new InvalidArgumentError(
      `${caller}: a path needs Node; got ${JSON.stringify(file)}. Leave it out and save the bytes.`,
    );
  }
  const fs = await importNode<typeof import("node:fs/promises")>("node:fs/promises");
  // Two writers of one file, in this process or another (or a thread of it), must not share the name.
  const partial = `${file}.${process.pid}-${fileCounter++}-${Math.random().toString(36).slice(2, 10)}.partial`;
  try {
    await fs.writeFile(partial, bytes, { flag: "wx" });
    await fs.rename(partial, file);
  } catch (cause) {
    // Where the folder is none, there is nothing to remove either, and rm says so.
    await fs.rm(partial, { force: true }).catch(() => undefined);
    throw new DataFormatError(fileFault("cannot be written", cause), { file, cause });
  }
}
