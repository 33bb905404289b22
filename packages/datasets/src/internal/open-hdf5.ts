import { DataFormatError } from "@acr/core";
import { type Hdf5Dataset as Dataset, loadHdf5, type Hdf5Reference as Reference } from "./load-hdf5.js";
import { asUnreadable } from "./read-source.js";

/** Read access to a MATLAB 7.3 file, with its checks. */
export interface Hdf5File {
  shape(name: string): number[];
  /** An array of doubles of exactly this shape, row-major. */
  numbers(name: string, shape: readonly number[]): Float64Array;
  references(name: string, shape: readonly number[]): Reference[];
  referencedShape(reference: Reference): number[];
  referencedBytes(reference: Reference): Uint8Array;
  close(): void;
}

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/** Opens a file with h5wasm, which reads it piece by piece. Its own diagnostics become errors. */
export async function openHdf5(path: string): Promise<Hdf5File> {
  await checkSignature(path);
  const h5wasm = await loadHdf5();
  const attempt = <T>(what: string, run: () => T): T => {
    try {
      return run();
    } catch (cause) {
      if (DataFormatError.isInstance(cause)) throw cause;
      throw new DataFormatError(`${what} cannot be read; the file may be damaged.`, { file: path, cause });
    }
  };
  const file = attempt("it", () => new h5wasm.File(path, "r"));
  const dataset = (name: string): Dataset => {
    const found = attempt(name, () => file.get(name));
    if (!Array.isArray(found?.shape))
      throw new DataFormatError(`expected an array "${name}"; found none.`, { file: path });
    return found;
  };
  const shaped = (name: string, shape: readonly number[]): Dataset => {
    const found = dataset(name);
    if (found.shape!.join() !== shape.join())
      throw new DataFormatError(`${name}: expected shape [${shape.join(", ")}]; got [${found.shape!.join(", ")}].`, {
        file: path,
      });
    return found;
  };
  const referenced = (reference: Reference): Dataset => {
    const found = attempt("a referenced picture", () => file.dereference(reference));
    if (!Array.isArray(found?.shape))
      throw new DataFormatError("a reference leads to no picture; the file may be damaged.", { file: path });
    return found;
  };
  let open = true;
  return {
    shape: (name) => dataset(name).shape!,
    numbers: (name, shape) => {
      const value = attempt(name, () => shaped(name, shape).value);
      if (!(value instanceof Float64Array)) throw new DataFormatError(`${name}: expected doubles.`, { file: path });
      return value;
    },
    references: (name, shape) => {
      const value = attempt(name, () => shaped(name, shape).value);
      if (!Array.isArray(value) || !value.every((entry) => entry?.ref_data))
        throw new DataFormatError(`${name}: expected a cell array.`, { file: path });
      return value as Reference[];
    },
    referencedShape: (reference) => referenced(reference).shape!,
    referencedBytes: (reference) => {
      const found = referenced(reference);
      const size = found.shape!.reduce((product, length) => product * length, 1);
      const value = attempt("a picture", () => found.value);
      if (!(value instanceof Uint8Array) || value.length !== size)
        throw new DataFormatError("a picture does not hold 8-bit pixels.", { file: path });
      return value;
    },
    close: () => {
      if (open) file.close();
      open = false;
    },
  };
}

/** HDF5 may start behind a user block of 512 · 2ⁿ bytes; MATLAB's is 512. */
async function checkSignature(path: string): Promise<void> {
  const { open } = await import("node:fs/promises");
  const handle = await open(path).catch((error) => {
    throw asUnreadable(path, error);
  });
  try {
    const bytes = new Uint8Array(8);
    for (const offset of [0, 512, 1024, 2048]) {
      const { bytesRead } = await handle.read(bytes, 0, 8, offset);
      if (bytesRead === 8 && SIGNATURE.every((byte, i) => byte === bytes[i])) return;
    }
  } catch (error) {
    throw asUnreadable(path, error);
  } finally {
    await handle.close();
  }
  throw new DataFormatError("is no MATLAB 7.3 (HDF5) file.", { file: path });
}
