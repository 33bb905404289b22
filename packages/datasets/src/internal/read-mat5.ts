import { inflateSync } from "node:zlib";
import { DataFormatError } from "@acr/core";

/** An array of a MATLAB 5 file, in MATLAB's order: the first dimension runs fastest. */
export interface MatNumbers {
  kind: "numbers";
  shape: number[];
  values: Float64Array;
}
export interface MatText {
  kind: "text";
  text: string;
}
export interface MatCells {
  kind: "cells";
  shape: number[];
  cells: MatValue[];
}
/** A struct array; `entries` holds one record an element. */
export interface MatStructs {
  kind: "structs";
  shape: number[];
  entries: Record<string, MatValue>[];
}
/** Anything that has no use here: function handles, objects, sparse and complex arrays. */
export interface MatOther {
  kind: "other";
}
export type MatValue = MatNumbers | MatText | MatCells | MatStructs | MatOther;

/** Bytes that all compressed variables of a file may unfold to. */
const MAXIMUM_INFLATED = 256e6;
const MAXIMUM_DEPTH = 16;
const HEADER = 128;

/** Element types of the format. */
const MATRIX = 14;
const COMPRESSED = 15;
/** Array classes. */
const CELL = 1;
const STRUCT = 2;
const CHAR = 4;
const NUMERIC = { first: 6, last: 15 };

interface Element {
  type: number;
  /** Within the bytes of the reader. */
  start: number;
  size: number;
  /** Where the next element begins. */
  next: number;
}

/**
 * The variables of a MATLAB 5 file (`save -v6`, `-v7`): numbers, text, cells and structs, either byte order.
 *
 * @throws {DataFormatError} no such file, an element that leaves its parent, more than 256 MB behind compression.
 * @see MathWorks, MAT-File Format, level 5.
 */
export function readMat5(bytes: Uint8Array, { file }: { file: string }): Map<string, MatValue> {
  const fault = (message: string) => new DataFormatError(message, { file });
  const order = bytes.length >= HEADER ? String.fromCharCode(bytes[126]!, bytes[127]!) : "";
  if (order !== "IM" && order !== "MI") throw fault("is no MATLAB 5 file.");
  if (Buffer.from(bytes.buffer, bytes.byteOffset, 10).toString("latin1") === "MATLAB 7.3")
    throw fault("is a MATLAB 7.3 (HDF5) file; expected MATLAB 5.");
  const context: Context = { littleEndian: order === "IM", inflated: 0, fault };
  const variables = new Map<string, MatValue>();
  const reader = new Reader(bytes, context);
  for (let at = HEADER; at + 8 <= bytes.length; ) {
    const element = reader.element(at, bytes.length);
    const [name, value] = reader.variable(element, 0);
    variables.set(name, value);
    at = element.next;
  }
  return variables;
}

interface Context {
  littleEndian: boolean;
  inflated: number;
  fault(message: string): DataFormatError;
}

class Reader {
  private readonly view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly context: Context,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The element at a place; it must end before `end`. */
  element(at: number, end: number): Element {
    const { view, context } = this;
    if (at + 8 > end) throw context.fault("an element is cut short.");
    const word = view.getUint32(at, context.littleEndian);
    // Up to four bytes travel in the tag itself.
    if (word >>> 16 !== 0) {
      const [type, size] = [word & 0xffff, word >>> 16];
      if (size > 4) throw context.fault("a small element claims more than four bytes.");
      return { type, start: at + 4, size, next: at + 8 };
    }
    const size = view.getUint32(at + 4, context.littleEndian);
    const stop = at + 8 + size;
    if (stop > end) throw context.fault(`an element claims ${size} bytes, but ${end - at - 8} are left.`);
    // Compressed elements are the only ones without padding to eight bytes.
    return {
      type: word,
      start: at + 8,
      size,
      next: word === COMPRESSED ? stop : Math.min(end, at + 8 + Math.ceil(size / 8) * 8),
    };
  }

  variable(element: Element, depth: number): [string, MatValue] {
    const { context } = this;
    if (depth > MAXIMUM_DEPTH) throw context.fault(`is nested deeper than ${MAXIMUM_DEPTH} levels.`);
    if (element.type === COMPRESSED) {
      const inflated = this.inflate(element);
      const inner = new Reader(inflated, context);
      return inner.variable(inner.element(0, inflated.length), depth + 1);
    }
    if (element.type !== MATRIX) throw context.fault(`expected an array; got an element of type ${element.type}.`);
    // MATLAB writes an empty cell as an array of no bytes.
    if (element.size === 0) return ["", { kind: "numbers", shape: [0, 0], values: new Float64Array() }];
    return this.matrix(element, depth);
  }

  private inflate({ start, size }: Element): Uint8Array {
    const { context } = this;
    try {
      const inflated = inflateSync(this.bytes.subarray(start, start + size), {
        maxOutputLength: Math.max(1, MAXIMUM_INFLATED - context.inflated),
      });
      context.inflated += inflated.length;
      return inflated;
    } catch (error) {
      const large = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
      throw context.fault(
        large ? "unfolds to more than 256 MB; that is not believed." : "holds compressed data that are damaged.",
      );
    }
  }

  private matrix({ start, size }: Element, depth: number): [string, MatValue] {
    const { context } = this;
    const end = start + size;
    const flags = this.element(start, end);
    const word = this.integers(flags)[0] ?? 0;
    const [kind, complex] = [word & 0xff, (word & 0x800) !== 0];
    if (kind > 15) return ["", { kind: "other" }];
    const dimensions = this.element(flags.next, end);
    const shape = this.integers(dimensions);
    const count = shape.reduce((product, length) => product * length, 1);
    if (shape.length < 2 || shape.length > 8 || shape.some((length) => !(length >= 0)) || !Number.isSafeInteger(count))
      throw context.fault(`an array claims the shape [${shape.slice(0, 8).join(", ")}].`);
    const nameElement = this.element(dimensions.next, end);
    const name = this.text(nameElement);
    let at = nameElement.next;
    const nested = (): MatValue => {
      const element = this.element(at, end);
      at = element.next;
      return this.variable(element, depth + 1)[1];
    };
    // Each element inside takes eight bytes at least, so a claim beyond that is false.
    const believe = (things: number) => {
      if (things > (end - at) / 8) throw context.fault(`"${name}" claims ${things} elements; it has no room for them.`);
    };
    if (kind === CELL) {
      believe(count);
      return [name, { kind: "cells", shape, cells: Array.from({ length: count }, nested) }];
    }
    if (kind === STRUCT) {
      const lengthElement = this.element(at, end);
      const [fieldLength = 0] = this.integers(lengthElement);
      const namesElement = this.element(lengthElement.next, end);
      at = namesElement.next;
      if (!(fieldLength > 0)) throw context.fault(`the struct "${name}" has field names without length.`);
      const all = this.text(namesElement);
      const fields = Array.from({ length: Math.floor(all.length / fieldLength) }, (_, i) =>
        all.slice(i * fieldLength, (i + 1) * fieldLength).replace(/\0.*$/s, ""),
      );
      believe(count * Math.max(1, fields.length));
      const entries = Array.from({ length: count }, () => {
        const entry: Record<string, MatValue> = Object.create(null);
        for (const field of fields) entry[field] = nested();
        return entry;
      });
      return [name, { kind: "structs", shape, entries }];
    }
    if (kind === CHAR) return [name, { kind: "text", text: this.text(this.element(at, end)) }];
    if (kind < NUMERIC.first || kind > NUMERIC.last || complex) return [name, { kind: "other" }];
    const values = this.numbers(this.element(at, end));
    if (values.length !== count)
      throw context.fault(`"${name}" claims the shape [${shape.join(", ")}], but holds ${values.length} numbers.`);
    return [name, { kind: "numbers", shape, values }];
  }

  private integers(element: Element): number[] {
    // 5 and 6 are 32-bit integers, the only ones that headers use.
    if (element.type !== 5 && element.type !== 6) throw this.context.fault("an array's header is damaged.");
    return Array.from(this.numbers(element));
  }

  private text(element: Element): string {
    const { bytes, context } = this;
    const slice = bytes.subarray(element.start, element.start + element.size);
    switch (element.type) {
      case 1:
      case 2:
        return Buffer.from(slice).toString("latin1");
      case 16:
        return Buffer.from(slice).toString("utf8");
      case 4:
      case 17:
        return String.fromCharCode(...this.numbers({ ...element, type: 4 }).subarray(0, 65536));
      default:
        throw context.fault(`text is stored as type ${element.type}, which is not known.`);
    }
  }

  private numbers({ type, start, size }: Element): Float64Array {
    const { view, context } = this;
    const little = context.littleEndian;
    const readers: Record<number, [bytes: number, read: (at: number) => number]> = {
      1: [1, (at) => view.getInt8(at)],
      2: [1, (at) => view.getUint8(at)],
      3: [2, (at) => view.getInt16(at, little)],
      4: [2, (at) => view.getUint16(at, little)],
      5: [4, (at) => view.getInt32(at, little)],
      6: [4, (at) => view.getUint32(at, little)],
      7: [4, (at) => view.getFloat32(at, little)],
      9: [8, (at) => view.getFloat64(at, little)],
      12: [8, (at) => Number(view.getBigInt64(at, little))],
      13: [8, (at) => Number(view.getBigUint64(at, little))],
    };
    const known = readers[type];
    if (!known) throw context.fault(`numbers are stored as type ${type}, which is not known.`);
    const [width, read] = known;
    // As many as there are bytes: nothing is taken from the stated shape.
    return Float64Array.from({ length: Math.floor(size / width) }, (_, i) => read(start + i * width));
  }
}
