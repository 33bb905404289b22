import { InvalidArgumentError } from "@acr/core";

/** Format of `PointModel` and `ActiveShapeModel` files: see `writeBinary`. */
const MAGIC = "ACRB";
const PREFIX_BYTES = 12;

/** A JSON header and named blocks of float64. */
export interface BinaryForm {
  kind: string;
  header: { [name: string]: unknown };
  blocks: { [name: string]: Float64Array };
}

/**
 * Packs a model: `ACRB`, uint32 form version 1, uint32 header length, header (JSON in UTF-8, padded with spaces to a multiple
 * of 8), then every block as little-endian float64 in the order in which the header lists them.
 */
export function writeBinary({ kind, header, blocks }: BinaryForm): Uint8Array {
  const layout = Object.entries(blocks).map(([name, { length }]) => ({ name, length }));
  let text = new TextEncoder().encode(JSON.stringify({ kind, header, layout }));
  const padding = -(PREFIX_BYTES + text.length) & 7;
  text = new Uint8Array([...text, ...new Array<number>(padding).fill(0x20)]);
  const count = layout.reduce((sum, { length }) => sum + length, 0);
  const bytes = new Uint8Array(PREFIX_BYTES + text.length + 8 * count);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(MAGIC));
  view.setUint32(4, 1, true);
  view.setUint32(8, text.length, true);
  bytes.set(text, PREFIX_BYTES);
  let offset = PREFIX_BYTES + text.length;
  for (const block of Object.values(blocks)) {
    for (const value of block) {
      view.setFloat64(offset, value, true);
      offset += 8;
    }
  }
  return bytes;
}

/** @throws {InvalidArgumentError} the bytes are no such file, of a newer version, of another kind or cut short. */
export function readBinary(caller: string, kind: string, bytes: Uint8Array): BinaryForm {
  const fault = (what: string) => new InvalidArgumentError(`${caller}: ${what}.`);
  const decode = (from: number, to: number) => new TextDecoder().decode(bytes.subarray(from, to));
  if (!(bytes instanceof Uint8Array) || bytes.length < PREFIX_BYTES || decode(0, 4) !== MAGIC)
    throw fault(`bytes must start with ${MAGIC}; got something else`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint32(4, true);
  if (version !== 1) throw fault(`the form's version must be 1; got ${version}. Update @acr/shape-model`);
  const start = PREFIX_BYTES + view.getUint32(8, true);
  let parsed: { kind: string; header: BinaryForm["header"]; layout: { name: string; length: number }[] };
  try {
    parsed = JSON.parse(decode(PREFIX_BYTES, start));
  } catch {
    throw fault("the header is damaged; expected JSON");
  }
  if (parsed?.kind !== kind) throw fault(`bytes must hold a ${kind}; got ${JSON.stringify(parsed?.kind)}`);
  const { header, layout } = parsed;
  const isLayout =
    Array.isArray(layout) && layout.every((entry) => Number.isInteger(entry?.length) && entry.length >= 0);
  if (!isLayout || typeof header !== "object" || header === null) throw fault("the header lacks its fields");
  const expected = start + 8 * layout.reduce((sum, { length }) => sum + length, 0);
  if (bytes.length !== expected)
    throw fault(`bytes must be ${expected} long; got ${bytes.length}. The file is cut short`);
  const blocks: BinaryForm["blocks"] = {};
  let offset = start;
  for (const { name, length } of layout) {
    const block = new Float64Array(length);
    for (let i = 0; i < length; i++, offset += 8) block[i] = view.getFloat64(offset, true);
    blocks[name] = block;
  }
  return { kind, header, blocks };
}
