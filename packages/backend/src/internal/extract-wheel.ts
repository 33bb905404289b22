import { installFault } from "./install-work.js";
import type { NodeModules } from "./node-modules.js";

const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const END_BYTES = 22;
const LONGEST_COMMENT = 65_535;
const DEFLATED = 8;
/** Where a Unix mode lies in an entry's external attributes. */
const MODE_SHIFT = 16;
const EXECUTABLE = 0o100;

/**
 * Extracts the files of a wheel (a zip archive below 4 GB) whose path `wanted` accepts.
 *
 * @returns how many.  @throws {BackendError} it is no such archive, it is damaged, or an entry would leave the folder.
 */
export async function extractWheel(
  { fs, files, path: paths, streams, zlib }: NodeModules,
  {
    file,
    folder,
    wanted,
    signal,
  }: { file: string; folder: string; wanted: (path: string) => boolean; signal?: AbortSignal },
): Promise<number> {
  const broken = (why: string) => installFault(`${file} is not a whole wheel (${why}). Download it again.`);
  const handle = await files.open(file);
  try {
    const { size } = await handle.stat();
    const tail = Buffer.alloc(Math.min(size, END_BYTES + LONGEST_COMMENT));
    await handle.read(tail, 0, tail.length, size - tail.length);
    let end = tail.length - END_BYTES;
    while (end >= 0 && tail.readUInt32LE(end) !== END_SIGNATURE) end--;
    if (end < 0) throw broken("no zip directory");
    const directoryOffset = tail.readUInt32LE(end + 16);
    const directory = Buffer.alloc(tail.readUInt32LE(end + 12));
    if (directoryOffset + directory.length > size) throw broken("its directory lies outside");
    await handle.read(directory, 0, directory.length, directoryOffset);
    const root = paths.resolve(folder);
    let extracted = 0;
    for (let at = 0; at + 46 <= directory.length; ) {
      if (directory.readUInt32LE(at) !== ENTRY_SIGNATURE) throw broken("damaged zip directory");
      const method = directory.readUInt16LE(at + 10);
      const compressed = directory.readUInt32LE(at + 20);
      const nameLength = directory.readUInt16LE(at + 28);
      const mode = directory.readUInt32LE(at + 38) >>> MODE_SHIFT;
      const offset = directory.readUInt32LE(at + 42);
      const path = directory.toString("utf8", at + 46, at + 46 + nameLength);
      at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
      if (path.endsWith("/") || !wanted(path)) continue;
      const target = paths.resolve(root, path);
      if (!target.startsWith(root + paths.sep)) throw broken(`the entry ${path} leads outside`);
      const local = Buffer.alloc(30);
      await handle.read(local, 0, local.length, offset);
      const start = offset + local.length + local.readUInt16LE(26) + local.readUInt16LE(28);
      if (start + compressed > size) throw broken(`${path} is cut off`);
      await files.mkdir(paths.dirname(target), { recursive: true });
      if (compressed === 0) {
        await files.writeFile(target, "");
      } else {
        const source = fs.createReadStream(file, { start, end: start + compressed - 1 });
        const sink = fs.createWriteStream(target, { mode: mode & EXECUTABLE ? 0o755 : 0o644 });
        const stages = method === DEFLATED ? [source, zlib.createInflateRaw()] : [source];
        await streams.pipeline([...stages, sink], { signal }).catch((error: NodeJS.ErrnoException) => {
          throw error.code?.startsWith("Z_") ? broken(`${path}: ${error.message}`) : error;
        });
      }
      extracted++;
    }
    return extracted;
  } finally {
    await handle.close();
  }
}
