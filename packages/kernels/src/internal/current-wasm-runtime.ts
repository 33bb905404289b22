import type { WasmRuntime } from "../wasm/wasm-runtime.js";
import { runtimesOf } from "./runtimes-of.js";

export const { current: currentWasmRuntime, set: setWasmRuntime } = runtimesOf<WasmRuntime>("wasm");
