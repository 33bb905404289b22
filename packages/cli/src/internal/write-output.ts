import { rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { InvalidArgumentError } from "@acr/core";

/** Refuses a file that cannot be written, before the long work that would fill it. */
export async function checkOutput(option: string, file: string): Promise<void> {
  const kind = (path: string) =>
    stat(path).then(
      (found) => (found.isDirectory() ? "folder" : "file"),
      () => "absent",
    );
  if ((await kind(file)) === "folder")
    throw new InvalidArgumentError(`${option}: "${file}" is a folder; expected a file.`);
  if ((await kind(dirname(file))) !== "folder")
    throw new InvalidArgumentError(`${option}: the folder "${dirname(file)}" does not exist. Make it first.`);
}

/** Writes a whole file or none: readers never see half of it. */
export async function writeOutput(file: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, content);
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new InvalidArgumentError(`cannot write "${file}": ${(cause as Error).message}.`, { cause });
  }
}
