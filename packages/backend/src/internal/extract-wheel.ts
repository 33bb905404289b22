import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { dirname, resolve, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { createInflateRaw } from "node:zlib";
import { BackendError } from "@acr/core";

const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const END_BYTES = 22;
const LONGEST_COMMENT = 65_535;
const DEFLATED = 8;

/**
 * Extracts the files of a wheel (a zip archive below 4 GB) whose path `wanted` accepts.
 *
 * @returns how many.  @throws {BackendError} it is no such archive, or an entry would leave the folder.
 */
export async function extractWheel(file: string, folder: string, wanted: (path: string) => boolean): Promise<number> {
  const broken = (why: string) =>
    new BackendError(`installTensorFlow: ${file} is not a whole wheel (${why}). Download it again.`);
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const tail = Buffer.alloc(Math.min(size, END_BYTES + LONGEST_COMMENT));
    await handle.read(tail, 0, tail.length, size - tail.length);
    let end = tail.length - END_BYTES;
    while (end >= 0 && tail.readUInt32LE(end) !== END_SIGNATURE) end--;
    if (end < 0) throw broken("no zip directory");
    const directory = Buffer.alloc(tail.readUInt32LE(end + 12));
    await handle.read(directory, 0, directory.length, tail.readUInt32LE(end + 16));
    const root = resolve(folder);
    let extracted = 0;
    for (let at = 0; at + 46 <= directory.length; ) {
      if (directory.readUInt32LE(at) !== ENTRY_SIGNATURE) throw broken("damaged zip directory");
      const method = directory.readUInt16LE(at + 10);
      const compressed = directory.readUInt32LE(at + 20);
      const nameLength = directory.readUInt16LE(at + 28);
      const offset = directory.readUInt32LE(at + 42);
      const path = directory.toString("utf8", at + 46, at + 46 + nameLength);
      at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
      if (path.endsWith("/") || !wanted(path)) continue;
      const target = resolve(root, path);
      if (!target.startsWith(root + sep)) throw broken(`the entry ${path} leads outside`);
      const local = Buffer.alloc(30);
      await handle.read(local, 0, local.length, offset);
      const start = offset + local.length + local.readUInt16LE(26) + local.readUInt16LE(28);
      await mkdir(dirname(target), { recursive: true });
      const source = createReadStream(file, { start, end: start + compressed - 1 });
      const stages = method === DEFLATED ? [source, createInflateRaw()] : [source];
      await pipeline([...stages, createWriteStream(target)]);
      extracted++;
    }
    return extracted;
  } finally {
    await handle.close();
  }
}
