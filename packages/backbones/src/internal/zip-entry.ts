import { AcrError, crc32, DataFormatError } from "@acr/core";
import { Inflate } from "fflate";
import { joinBytes } from "./join-bytes.js";

const [LOCAL, CENTRAL, END, END_64, LOCATOR_64] = [0x04034b50, 0x02014b50, 0x06054b50, 0x06064b50, 0x07064b50];
/** The end record's own length, and how long its comment may be. */
const [END_LENGTH, MAXIMUM_COMMENT] = [22, 0xffff];
/** A `.keras` file holds three entries, and assets of its own layers. */
const MAXIMUM_ENTRIES = 10_000;
/** Compressed bytes handed on at once; each gives at most some 1,030 as many. */
const STEP = 16_384;

interface Entry {
  name: string;
  method: number;
  flags: number;
  checksum: number;
  compressed: number;
  unpacked: number;
  offset: number;
}

/**
 * The bytes of one entry of a zip, read by its directory at the end.
 *
 * Nothing that the zip says of itself is believed: what really comes out is counted while it is unpacked.
 *
 * @param maximumBytes - of what comes out.
 * @throws {DataFormatError} no zip, damaged or cut off, paths that climb out, an entry twice or not at all, or too large.
 */
export function zipEntry(
  bytes: Uint8Array,
  wanted: string,
  { file, maximumBytes }: { file: string; maximumBytes: number },
): Uint8Array {
  const fail = (problem: string) => new DataFormatError(problem, { file });
  let entries: Entry[];
  let found: Entry | undefined;
  try {
    entries = directory(bytes);
    for (const { name } of entries) {
      if (/^([/\\]|[A-Za-z]:)/.test(name) || name.split(/[/\\]/).includes("..") || name.includes("\0"))
        throw fail(`holds an entry with a forbidden path ${JSON.stringify(name)}.`);
    }
    const all = entries.filter(({ name }) => name === wanted);
    if (all.length > 1) throw fail(`holds ${wanted} ${all.length} times; expected it once.`);
    found = all[0];
    if (found) return unpack(bytes, found, maximumBytes, fail);
  } catch (cause) {
    if (AcrError.isInstance(cause)) throw cause;
    throw new DataFormatError("is a damaged or truncated zip.", { file, cause });
  }
  throw fail(`is a zip without ${wanted}; expected a model saved as .keras.`);
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function directory(bytes: Uint8Array): Entry[] {
  const view = viewOf(bytes);
  let end = bytes.length - END_LENGTH;
  while (end >= 0 && view.getUint32(end, true) !== END) {
    end--;
    if (bytes.length - END_LENGTH - end > MAXIMUM_COMMENT) end = -1;
  }
  if (end < 0) throw new RangeError("no end record");
  let count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  if (end >= 20 && view.getUint32(end - 20, true) === LOCATOR_64) {
    const record = Number(view.getBigUint64(end - 12, true));
    if (view.getUint32(record, true) !== END_64) throw new RangeError("no 64-bit end record");
    count = Number(view.getBigUint64(record + 32, true));
    at = Number(view.getBigUint64(record + 48, true));
  }
  if (count > MAXIMUM_ENTRIES) throw new RangeError(`${count} entries`);
  const entries: Entry[] = [];
  for (let i = 0; i < count; i++) {
    if (view.getUint32(at, true) !== CENTRAL) throw new RangeError("no directory record");
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((o) => view.getUint16(at + o, true)) as [
      number,
      number,
      number,
    ];
    const nameBytes = bytes.subarray(at + 46, at + 46 + nameLength);
    if (nameBytes.length !== nameLength) throw new RangeError("name cut off");
    const entry: Entry = {
      name: new TextDecoder().decode(nameBytes),
      flags: view.getUint16(at + 8, true),
      method: view.getUint16(at + 10, true),
      checksum: view.getUint32(at + 16, true),
      compressed: view.getUint32(at + 20, true),
      unpacked: view.getUint32(at + 24, true),
      offset: view.getUint32(at + 42, true),
    };
    readLargeSizes(view, at + 46 + nameLength, extraLength, entry);
    entries.push(entry);
    at += 46 + nameLength + extraLength + commentLength;
  }
  return entries;
}

/** Sizes of 4 GiB and more, or of writers that are careful, stand in an extra field of 64-bit numbers. */
function readLargeSizes(view: DataView, start: number, length: number, entry: Entry): void {
  for (let at = start; at + 4 <= start + length; ) {
    const [id, size] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    if (id === 1) {
      let field = at + 4;
      for (const key of ["unpacked", "compressed", "offset"] as const) {
        if (entry[key] !== 0xffffffff) continue;
        entry[key] = Number(view.getBigUint64(field, true));
        field += 8;
      }
    }
    at += 4 + size;
  }
}

function unpack(
  bytes: Uint8Array,
  entry: Entry,
  maximumBytes: number,
  fail: (problem: string) => DataFormatError,
): Uint8Array {
  const view = viewOf(bytes);
  const { name, offset, method } = entry;
  if (view.getUint32(offset, true) !== LOCAL) throw new RangeError("no local record");
  if (entry.flags & 1) throw fail(`${name} is encrypted.`);
  const start = offset + 30 + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  const packed = bytes.subarray(start, start + entry.compressed);
  if (packed.length !== entry.compressed) throw new RangeError("data cut off");
  const tooLarge = () => fail(`${name} unpacks to more than the ${maximumBytes} bytes that are accepted here.`);
  let result: Uint8Array;
  if (method === 0) {
    if (packed.length > maximumBytes) throw tooLarge();
    result = packed;
  } else if (method === 8) result = inflate(packed, maximumBytes, tooLarge);
  else throw fail(`${name} is packed by method ${method}; expected stored or deflated.`);
  if (result.length !== entry.unpacked)
    throw fail(`${name} is damaged: it unpacks to ${result.length} bytes; expected ${entry.unpacked}.`);
  if (crc32(result) !== entry.checksum) throw fail(`${name} is damaged: its checksum is wrong.`);
  return result;
}

function inflate(packed: Uint8Array, maximumBytes: number, tooLarge: () => DataFormatError): Uint8Array {
  const parts: Uint8Array[] = [];
  let length = 0;
  let isDone = false;
  const stream = new Inflate((part, final) => {
    length += part.length;
    if (length > maximumBytes) throw tooLarge();
    parts.push(part);
    isDone = final;
  });
  for (let at = 0; at < packed.length || at === 0; at += STEP)
    stream.push(packed.subarray(at, at + STEP), at + STEP >= packed.length);
  if (!isDone) throw new RangeError("data ends early");
  return parts.length === 1 ? parts[0]! : joinBytes(parts);
}
