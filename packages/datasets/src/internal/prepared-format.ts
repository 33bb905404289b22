import { closeSync, fstatSync, readSync } from "node:fs";
import { type Box, DataFormatError } from "@acr/core";
import { type CropProtocol, isProtocol } from "../crop-transform.js";
import { checksum } from "./checksum.js";
import type { Extent } from "./face-engine.js";
import { asUnreadable, openSource } from "./read-source.js";

/**
 * The layout of a prepared file, little-endian: 8 bytes of magic, uint32 version, uint32 CRC-32 of the index, uint64 place
 * and uint64 length of the index, 32 bytes of zeros; then a square of raw RGB a face; then the index, JSON.
 */
export const MAGIC = "ACRFACES";
export const FORMAT_VERSION = 2;
export const HEADER_BYTES = 64;

/** A face in the index; labels in the frame of the source. */
export interface PreparedRecord {
  id: string;
  box: Box;
  landmarks: number[];
  visible?: number[];
  tags: Record<string, string | number | boolean>;
  /** CRC-32 of its pixels. */
  crc: number;
}

/** The index of a prepared file. */
export interface PreparedIndex {
  scheme: string;
  name: string;
  imageSize: number;
  protocol: CropProtocol;
  extent: Extent;
  storedSize: number;
  /** SHA-256 over all that the file was made from. */
  fingerprint: string;
  faces: PreparedRecord[];
  faults: { file: string; line?: number; message: string }[];
}

/** The first field that does not hold what it should; the checksum tells of accidents only. */
function wrongField(index: PreparedIndex): string | undefined {
  const isText = (value: unknown) => typeof value === "string";
  const isCount = (value: unknown) => Number.isInteger(value) && (value as number) >= 1;
  const isNumbers = (value: unknown) => Array.isArray(value) && value.every((entry) => Number.isFinite(entry));
  const isObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isObject(index)) return "form";
  for (const name of ["scheme", "name", "fingerprint"] as const) if (!isText(index[name])) return name;
  for (const name of ["imageSize", "storedSize"] as const) if (!isCount(index[name])) return name;
  if (!isProtocol(index.protocol)) return "protocol";
  if (index.extent !== "wide" && index.extent !== "crop") return "extent";
  if (!Array.isArray(index.faces) || index.faces.length === 0) return "faces";
  for (const [i, face] of index.faces.entries()) {
    if (!isObject(face)) return `faces[${i}]`;
    const { id, box, landmarks, visible, tags, crc } = face;
    const [x0, y0, x1, y1] = Array.isArray(box) ? box : [];
    const checks = {
      id: isText(id),
      box: isNumbers(box) && box.length === 4 && x1! > x0! && y1! > y0!,
      landmarks: isNumbers(landmarks),
      visible: visible === undefined || (isNumbers(visible) && 2 * visible.length === landmarks.length),
      tags: isObject(tags),
      crc: Number.isInteger(crc),
    };
    for (const [name, isRight] of Object.entries(checks)) if (!isRight) return `faces[${i}].${name}`;
  }
  const isFault = (entry: unknown) => isObject(entry) && isText((entry as { message?: unknown }).message);
  return Array.isArray(index.faults) && index.faults.every(isFault) ? undefined : "faults";
}

export function headerOf({ offset, length, crc }: { offset: number; length: number; crc: number }): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, "latin1");
  header.writeUInt32LE(FORMAT_VERSION, 8);
  header.writeUInt32LE(crc, 12);
  header.writeBigUInt64LE(BigInt(offset), 16);
  header.writeBigUInt64LE(BigInt(length), 24);
  return header;
}

/** Reads and checks the index of a prepared file; pixels stay where they are. */
export function readPreparedIndex(file: string): PreparedIndex {
  const fault = (message: string, cause?: unknown) =>
    new DataFormatError(`${message} Prepare it again (acr data prepare).`, { file, cause });
  const handle = openSource(file);
  try {
    const { size } = fstatSync(handle);
    const header = Buffer.alloc(HEADER_BYTES);
    if (readSync(handle, header, 0, HEADER_BYTES, 0) < HEADER_BYTES || header.toString("latin1", 0, 8) !== MAGIC)
      throw fault("is no prepared file.");
    const version = header.readUInt32LE(8);
    if (version !== FORMAT_VERSION) throw fault(`has format version ${version}; expected ${FORMAT_VERSION}.`);
    const [offset, length] = [Number(header.readBigUInt64LE(16)), Number(header.readBigUInt64LE(24))];
    // The file's own size bounds what is read.
    if (!(offset >= HEADER_BYTES && offset + length === size)) throw fault("is cut short or was changed.");
    const bytes = Buffer.alloc(length);
    if (readSync(handle, bytes, 0, length, offset) < length) throw fault("is cut short.");
    if (checksum(bytes) !== header.readUInt32LE(12)) throw fault("has an index that does not fit its checksum.");
    const index = JSON.parse(bytes.toString("utf8")) as PreparedIndex;
    const field = wrongField(index);
    if (field !== undefined) throw fault(`has an index whose ${field} is wrong.`);
    if (HEADER_BYTES + index.faces.length * index.storedSize ** 2 * 3 !== offset)
      throw fault("does not hold as many pixels as its index says.");
    return index;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) throw fault("has a damaged index.", error);
    throw asUnreadable(file, error);
  } finally {
    closeSync(handle);
  }
}

/** Bytes before the pixels of face i. */
export const pixelOffset = ({ storedSize }: PreparedIndex, i: number) => HEADER_BYTES + i * storedSize ** 2 * 3;
