import { openSync, readFileSync } from "node:fs";
import { DataFormatError } from "@acr/core";

/** An error of the file system as one that names the file; any other as it is. */
export function asUnreadable(file: string, error: unknown): unknown {
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (syscall === undefined) return error;
  const why = code === "EISDIR" ? "is a folder; expected a file." : `cannot be read (${code}).`;
  return new DataFormatError(why, { file, cause: error });
}

/** A file's bytes. @throws {DataFormatError} it cannot be read. */
export function readSource(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw asUnreadable(file, error);
  }
}

/** Opens a file for reading. @throws {DataFormatError} it cannot be opened. */
export function openSource(file: string): number {
  try {
    return openSync(file, "r");
  } catch (error) {
    throw asUnreadable(file, error);
  }
}
