/** A reference to an object of a file. */
export interface Hdf5Reference {
  ref_data: Uint8Array;
}

/** An array in a file. */
export interface Hdf5Dataset {
  shape: number[] | null;
  dtype: unknown;
  value: unknown;
  metadata?: { chunks?: readonly number[] | null };
  create_attribute(name: string, data: unknown, shape: number[], dtype: string): void;
  create_reference(): Hdf5Reference;
}

interface Hdf5Group {
  create_dataset(options: {
    name: string;
    data: unknown;
    shape: number[];
    dtype: string;
    chunks?: number[];
    compression?: "gzip";
    compression_opts?: number;
  }): Hdf5Dataset;
  create_group(name: string): Hdf5Group;
}

/** An open file. */
export interface Hdf5Handle extends Hdf5Group {
  get(name: string): Hdf5Dataset | null;
  dereference(reference: Hdf5Reference): Hdf5Dataset | null;
  close(): void;
}

/** The part of h5wasm that is used here. */
export interface Hdf5Library {
  ready: Promise<{ activate_throwing_error_handler?(): void }>;
  File: new (path: string, mode: "r" | "w") => Hdf5Handle;
}

/** h5wasm, started, its faults thrown instead of printed page by page. */
export async function loadHdf5(): Promise<Hdf5Library> {
  const { default: h5wasm } = (await import("h5wasm/node")) as unknown as { default: Hdf5Library };
  (await h5wasm.ready).activate_throwing_error_handler?.();
  return h5wasm;
}
