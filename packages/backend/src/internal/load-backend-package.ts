import { BackendError } from "@acr/core";
import { isNode } from "./is-node.js";
import { packageRequire } from "./package-require.js";

/** What is used of the two backend packages. */
export interface WasmPackage {
  version_wasm: string;
  BackendWasm: new (module: unknown) => import("@tensorflow/tfjs-core").KernelBackend;
  setThreadsCount(count: number): void;
}
export interface CpuPackage {
  version_cpu: string;
}

const IMPORTS = {
  "@tensorflow/tfjs-backend-wasm": () => import("@tensorflow/tfjs-backend-wasm") as unknown as Promise<WasmPackage>,
  "@tensorflow/tfjs-backend-cpu": () => import("@tensorflow/tfjs-backend-cpu") as unknown as Promise<CpuPackage>,
};

/**
 * Loads an optional backend package, which registers its backend and kernels with tfjs.
 *
 * @throws {BackendError} it is not installed.
 */
export async function loadBackendPackage<Name extends keyof typeof IMPORTS>(name: Name): Promise<Awaited<ReturnType<(typeof IMPORTS)[Name]>>> {
  type Loaded = Awaited<ReturnType<(typeof IMPORTS)[Name]>>;
  try {
    return (await IMPORTS[name]()) as Loaded;
  } catch (cause) {
    const require = isNode() ? await packageRequire(name) : undefined;
    if (require) return require(name) as Loaded;
    throw new BackendError(`${name} is not installed or does not load (${(cause as Error).message}). Run: npm i ${name}`, { cause });
  }
}
