import { DataFormatError } from "@acr/core";

/** Bytes of one number, by the format's names. */
const WIDTHS: Record<string, number> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
};
/** The format's own bound. */
const MAXIMUM_HEADER = 100_000_000;

/** One array of a safetensors file. */
export interface SafeTensor {
  name: string;
  dtype: string;
  shape: number[];
  /** @throws {DataFormatError} dtype is none of F16, BF16, F32, F64. */
  read(): Float32Array;
}

/** Whether bytes may be a safetensors file: a length, then JSON. */
export const isSafetensors = (bytes: Uint8Array) => bytes.length > 8 && bytes[8] === 0x7b && bytes[7] === 0;

/**
 * The arrays of a safetensors file: eight bytes with the header's length, a header of JSON, the numbers. Only the header is
 * read; each array stays where it is until asked for.
 *
 * Format: https://huggingface.co/docs/safetensors. The arrays must fill the file without gaps and overlaps, as it demands.
 *
 * @throws {DataFormatError} the header or a place it names does not fit the file.
 */
export function readSafetensors(bytes: Uint8Array, file: string): SafeTensor[] {
  const fail = (problem: string, cause?: unknown) => new DataFormatError(problem, { file, cause });
  if (bytes.length < 8) throw fail(`is no safetensors file; expected 8 bytes at least; got ${bytes.length}.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const declared = view.getBigUint64(0, true);
  if (declared > BigInt(Math.min(MAXIMUM_HEADER, bytes.length - 8))) {
    throw fail(
      `is damaged, truncated or no safetensors file: its header would be ${declared} bytes long; the file has ${bytes.length}.`,
    );
  }
  const start = 8 + Number(declared);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, start)));
  } catch (cause) {
    throw fail("is damaged or no safetensors file: its header is not JSON.", cause);
  }
  if (header === null || typeof header !== "object" || Array.isArray(header))
    throw fail("is damaged: its header must be a JSON object.");
  const found: (SafeTensor & { begin: number; end: number })[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
    const width = WIDTHS[String(dtype)];
    if (typeof dtype !== "string" || width === undefined)
      throw fail(
        `${name} has the unknown dtype ${JSON.stringify(dtype)}; expected one of ${Object.keys(WIDTHS).join(", ")}.`,
      );
    if (!isCounts(shape)) throw fail(`${name} must have a shape of whole numbers; got ${JSON.stringify(shape)}.`);
    if (!isCounts(offsets) || offsets.length !== 2)
      throw fail(`${name} must have two data_offsets; got ${JSON.stringify(offsets)}.`);
    const [begin, end] = offsets as [number, number];
    const size = shape.reduce((a, b) => a * b, width);
    if (end - begin !== size)
      throw fail(`${name} [${shape}] of ${dtype} needs ${size} bytes; its data_offsets span ${end - begin}.`);
    if (start + end > bytes.length) {
      throw fail(`is truncated: ${name} ends at byte ${start + end}; the file has ${bytes.length}.`);
    }
    found.push({
      name,
      dtype,
      shape,
      begin,
      end,
      read: () => numbers(bytes, start + begin, size / width, dtype, fail, name),
    });
  }
  found.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const { name, begin, end } of found) {
    if (begin !== at)
      throw fail(`${name} starts at byte ${begin} of the data; expected ${at}: arrays must follow one another.`);
    at = end;
  }
  if (start + at !== bytes.length)
    throw fail(`has ${bytes.length - start - at} bytes behind its last array; expected none.`);
  return found.map(({ name, dtype, shape, read }) => ({ name, dtype, shape, read }));
}

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((side) => Number.isSafeInteger(side) && side >= 0);

function numbers(
  bytes: Uint8Array,
  offset: number,
  count: number,
  dtype: string,
  fail: (problem: string) => DataFormatError,
  name: string,
): Float32Array {
  // Copied: offsets need not be multiples of the width.
  const slice = bytes.slice(offset, offset + count * WIDTHS[dtype]!).buffer;
  switch (dtype) {
    case "F32":
      return new Float32Array(slice);
    case "F64":
      return Float32Array.from(new Float64Array(slice));
    case "BF16": {
      // The upper half of a float32.
      const words = new Uint32Array(count);
      for (const [i, half] of new Uint16Array(slice).entries()) words[i] = half << 16;
      return new Float32Array(words.buffer);
    }
    case "F16":
      return Float32Array.from(new Uint16Array(slice), halfToFloat);
    default:
      throw fail(`${name} is ${dtype}; expected F16, BF16, F32 or F64.`);
  }
}

/** IEEE 754 binary16. */
function halfToFloat(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
