import { backend, getBackend } from "@tensorflow/tfjs-core";
import type { WasmRuntime } from "../wasm/wasm-runtime.js";

/** Runtimes by backend instance: a backend that is started again gets its own. */
const RUNTIMES = new WeakMap<object, WasmRuntime>();

/** The running kernels of the current backend, or `undefined` where it is another backend or they are not registered. */
export function currentWasmRuntime(): WasmRuntime | undefined {
  return getBackend() === "wasm" ? RUNTIMES.get(backend()) : undefined;
}

/** Remembers, or with `undefined` forgets, the kernels of a backend. */
export function setWasmRuntime(of: object, runtime: WasmRuntime | undefined): void {
  if (runtime) RUNTIMES.set(of, runtime);
  else RUNTIMES.delete(of);
}
