import { BackendError } from "@acr/core";
import { registerTrainingKernels, type TrainingKernels } from "@acr/kernels";
import {
  engine, findBackend, findBackendFactory, getBackend, type KernelBackend, registerBackend, removeBackend, setBackend, version_core,
} from "@tensorflow/tfjs-core";
import { enableRelaxedSimd } from "./enable-relaxed-simd.js";
import { isNode } from "./is-node.js";
import { loadBackendPackage } from "./load-backend-package.js";
import { physicalCoreCount } from "./physical-core-count.js";
import { startThreadedWasm } from "./start-threaded-wasm.js";

/** A backend that is current now, with its kernels. */
export interface StartedBackend {
  version: string;
  kernels: TrainingKernels;
  /** Why it does not run on as many threads as were asked for. */
  threadsReason?: string;
}

const HINTS: Record<string, string> = {
  tensorflow: "Install @tensorflow/tfjs-node or @tensorflow/tfjs-node-gpu and import it before",
  webgpu: "Install @tensorflow/tfjs-backend-webgpu and import it before",
  webgl: "Install @tensorflow/tfjs-backend-webgl and import it before",
};

/** The kernels that run on each instance of the wasm backend. */
const KERNELS = new WeakMap<KernelBackend, TrainingKernels>();

/**
 * Makes a backend the current one and registers the training kernels on it.
 *
 * @throws {BackendError} it is not available; what was current before is current again.
 */
export async function startBackend(name: string, threads: number | undefined): Promise<StartedBackend> {
  const before = findBackend(getBackend() ?? "") ? getBackend() : undefined;
  try {
    if (name === "wasm") return await startWasm(threads);
    let version = version_core;
    if (name === "cpu") version = (await loadBackendPackage("@tensorflow/tfjs-backend-cpu")).version_cpu;
    await makeCurrent(name);
    return { version, kernels: await registerTrainingKernels() };
  } catch (cause) {
    if (before && getBackend() !== before) await setBackend(before);
    if (BackendError.isInstance(cause)) throw cause;
    throw new BackendError(`${name} did not start (${(cause as Error).message}).`, { cause });
  }
}

async function startWasm(wanted: number | undefined): Promise<StartedBackend> {
  const wasm = await loadBackendPackage("@tensorflow/tfjs-backend-wasm");
  await enableRelaxedSimd();
  const running = findBackend("wasm") as KernelBackend | null;
  const kernels = running ? KERNELS.get(running) : undefined;
  // A second call without a wish keeps what runs.
  const threads = wanted ?? kernels?.threads ?? (await physicalCoreCount());
  let threadsReason: string | undefined;
  if (threads > 1 && !hasSharedMemory(running)) {
    try {
      await replaceByThreaded(wasm, running, threads);
    } catch (error) {
      threadsReason = (error as Error).message;
    }
  }
  await makeCurrent("wasm");
  const backend = engine().backend;
  const reachable = hasSharedMemory(backend) && isNode() ? threads : 1;
  let current = KERNELS.get(backend);
  if (current && current.threads !== reachable) {
    await current.undo();
    current = undefined;
  }
  // Registered again in any case: the application may have undone them.
  const registered = await registerTrainingKernels({ threads: reachable });
  KERNELS.set(backend, registered);
  return { version: wasm.version_wasm, kernels: registered, threadsReason };
}

/** Puts the threaded module in the place of the plain one, which must not hold tensors: they would die with it. */
async function replaceByThreaded(
  wasm: Awaited<ReturnType<typeof loadBackendPackage<"@tensorflow/tfjs-backend-wasm">>>,
  running: KernelBackend | null,
  threads: number,
): Promise<void> {
  if (!isNode()) {
    throw new BackendError(
      globalThis.crossOriginIsolated
        ? "our kernels use threads in Node only"
        : "the page is not cross-origin isolated; serve it with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp",
    );
  }
  if (running && running.numDataIds() > 0) {
    throw new BackendError("wasm was started before without threads and holds tensors; call setupBackend before the first tensor is made");
  }
  const module = await startThreadedWasm();
  if (running) await KERNELS.get(running)?.undo();
  if (findBackendFactory("wasm")) removeBackend("wasm");
  wasm.setThreadsCount(threads);
  registerBackend("wasm", () => new wasm.BackendWasm(module), 2);
}

async function makeCurrent(name: string): Promise<void> {
  if (!findBackendFactory(name)) {
    throw new BackendError(`no backend named "${name}" is registered. ${HINTS[name] ?? "Import its package before"}.`);
  }
  // The engine returns false, after a warning, where a backend cannot start.
  if (!(await setBackend(name))) throw new BackendError(`${name} is installed but did not start.`);
}

function hasSharedMemory(backend: KernelBackend | null): boolean {
  const memory = (backend as unknown as { wasm?: { wasmMemory?: WebAssembly.Memory } } | null)?.wasm?.wasmMemory;
  return typeof SharedArrayBuffer !== "undefined" && memory?.buffer instanceof SharedArrayBuffer;
}
