/**
 * Where workers without a shared folder keep the files of their trials: objects under keys such as
 * `losses/0001-acr-s0/checkpoint/last.bin`. Small on purpose, so that any object store fits behind it.
 */
export interface RunStore {
  /** Writes an object, replacing one of that key whole or not at all. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** The object, or `undefined` where there is none. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** All keys that start with the prefix, sorted. */
  list(prefix: string): Promise<string[]>;
}
