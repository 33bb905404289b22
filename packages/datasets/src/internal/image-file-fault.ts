import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { imageEndsFault, inspectImageBytes } from "./image-bytes.js";

/** Enough to see the first and the last marker. */
const END = 256;

/** Whether a file is a whole JPEG or PNG, by its ends; read whole only where those look wrong. */
export function imageFileFault(file: string): string | undefined {
  let handle: number;
  try {
    handle = openSync(file, "r");
  } catch (error) {
    return `cannot be read (${(error as NodeJS.ErrnoException).code}).`;
  }
  try {
    const stats = fstatSync(handle);
    if (!stats.isFile()) return "is a folder or no plain file; expected a JPEG or PNG.";
    const { size } = stats;
    const length = Math.min(END, size);
    const head = Buffer.alloc(length);
    const tail = Buffer.alloc(length);
    readSync(handle, head, 0, length, 0);
    readSync(handle, tail, 0, length, size - length);
    if (imageEndsFault(head, tail) === undefined) return undefined;
  } finally {
    closeSync(handle);
  }
  // Phones append other data behind the end marker; then only a walk through the file can tell.
  const bytes = readFileSync(file);
  return bytes.length === 0 ? "is empty; expected a JPEG or PNG." : inspectImageBytes(bytes).fault;
}
