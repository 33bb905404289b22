import { AcrError, DataFormatError, InvalidArgumentError } from "@acr/core";
import { fileFault } from "./file-fault.js";
import { importNode, isNode } from "./import-node.js";
import { joinBytes } from "./join-bytes.js";

/** Where weights come from: bytes, a path in Node, or a URL. */
export type WeightsSource = string | URL | ArrayBuffer | Uint8Array;

/** No file is read beyond this; the largest backbone here has a quarter of it. */
const MAXIMUM_BYTES = 2 ** 31;
const REMOTE = /^(https?|blob|data):/i;

/** What a source is called in errors. */
export function sourceName(source: unknown): string {
  if (source instanceof URL) return source.href;
  if (typeof source !== "string") return "weights";
  // Data URLs are the file itself.
  return source.startsWith("data:") ? "weights" : source;
}

/**
 * All bytes of a source.
 *
 * @throws {InvalidArgumentError} it is none.
 * @throws {DataFormatError} the file or the address cannot be read, or is larger than 2 GiB.
 */
export async function sourceBytes(caller: string, source: unknown): Promise<Uint8Array> {
  // Node's Buffers are typed arrays whose `slice` is not.
  if (source instanceof Uint8Array) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  const isAddress = source instanceof URL || typeof source === "string";
  if (!isAddress || source === "") {
    throw new InvalidArgumentError(
      `${caller}: file must be a path, a URL, an ArrayBuffer or a Uint8Array; got ${source === "" ? "an empty path" : source === null ? "null" : typeof source}.`,
    );
  }
  const file = sourceName(source);
  try {
    const isRemote = source instanceof URL ? source.protocol !== "file:" : REMOTE.test(source) || !isNode();
    return isRemote ? await download(String(source), file) : await readFile(source, file);
  } catch (cause) {
    if (AcrError.isInstance(cause)) throw cause;
    throw new DataFormatError(fileFault("cannot be read", cause), { file, cause });
  }
}

const tooLarge = (file: string) =>
  new DataFormatError(`is larger than ${MAXIMUM_BYTES} bytes, which no weights here need.`, { file });

async function readFile(path: string | URL, file: string): Promise<Uint8Array> {
  const fs = await importNode<typeof import("node:fs/promises")>("node:fs/promises");
  const found = await fs.stat(path);
  if (found.isDirectory()) throw new DataFormatError("is a folder; expected a file of weights.", { file });
  if (found.size > MAXIMUM_BYTES) throw tooLarge(file);
  const { buffer, byteOffset, byteLength } = await fs.readFile(path);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

async function download(address: string, file: string): Promise<Uint8Array> {
  const response = await fetch(address);
  if (!response.ok) throw new DataFormatError(`answers ${response.status} ${response.statusText}.`, { file });
  const parts: Uint8Array[] = [];
  let length = 0;
  // What the server says of the length is not believed.
  for (const reader = response.body!.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > MAXIMUM_BYTES) {
      await reader.cancel();
      throw tooLarge(file);
    }
    parts.push(value);
  }
  return joinBytes(parts);
}
