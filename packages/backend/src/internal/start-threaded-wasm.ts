import type { Worker } from "node:worker_threads";
import { BackendError } from "@acr/core";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { registerBackend, removeBackend } from "@tensorflow/tfjs-core";
import { importNode } from "./import-node.js";

/** The Emscripten module of the threaded build, as far as it is used here. */
interface WasmModule {
  cwrap(name: string, returns: string | null, args: string[]): unknown;
  tfjs?: object;
  PThread: { unusedWorkers: Worker[] };
}

const GLUE = "tfjs-backend-wasm-threaded-simd";

/**
 * Registers tfjs' wasm backend on its threaded build, whose shared memory the training kernels' threads can use.
 *
 * tfjs switches that build off in Node: its loader looks for a blob: worker. Started by hand with the worker's text as
 * a module it works.
 *
 * @returns releases the workers that the glue keeps in store; call it once the backend has started its own threads.
 */
export async function startThreadedWasm(threads: number): Promise<() => Promise<void>> {
  const { createRequire } = await importNode<typeof import("node:module")>("node:module");
  const { dirname, join } = await importNode<typeof import("node:path")>("node:path");
  const { pathToFileURL } = await importNode<typeof import("node:url")>("node:url");
  // From this file, as the import below: the folder in which the program was started may lie anywhere.
  // Bundled to CommonJS, `import.meta` is empty.
  const require = createRequire(import.meta.url ?? pathToFileURL(__filename).href);
  const wasm = await import("@tensorflow/tfjs-backend-wasm");
  const folder = join(dirname(resolvePackage(require)), "wasm-out");
  const glue = join(folder, `${GLUE}.js`);
  const factory = require(glue) as (options: object) => Promise<WasmModule>;
  const { wasmWorkerContents } = require(join(folder, `${GLUE}.worker.js`)) as { wasmWorkerContents: string };
  const worker = workerUrl(wasmWorkerContents);
  const module = await withoutGlobalTraces(() =>
    factory({
      locateFile: (file: string) => (file.endsWith(".worker.js") ? worker : join(folder, file)),
      mainScriptUrlOrBlob: glue,
    }),
  );
  module.tfjs = {
    init: module.cwrap("init", null, []),
    initWithThreadsCount: module.cwrap("init_with_threads_count", null, ["number"]),
    getThreadsCount: module.cwrap("get_threads_count", "number", []),
    registerTensor: module.cwrap("register_tensor", null, ["number", "number", "number"]),
    disposeData: module.cwrap("dispose_data", null, ["number"]),
    dispose: module.cwrap("dispose", null, []),
  };
  wasm.setThreadsCount(threads);
  removeBackend("wasm");
  registerBackend(
    "wasm",
    () => new wasm.BackendWasm(module as unknown as ConstructorParameters<typeof BackendWasm>[0]),
    2,
  );
  return async () => {
    await Promise.all(module.PThread.unusedWorkers.splice(0).map((unused) => unused.terminate()));
  };
}

/** The worker's text, written for CommonJS, as a module that needs no file. */
function workerUrl(contents: string): URL {
  const prefix =
    'import { createRequire } from "node:module"; const require = createRequire("file:///"); const __filename = "";';
  // The package exports the text with its escapes already resolved; line breaks inside its strings must be put back.
  return new URL(`data:text/javascript,${encodeURIComponent(prefix + contents.replaceAll("\n", "\\n"))}`);
}

/** Runs the glue and removes what it leaves behind: handlers that rewrite every uncaught error, a global `Worker`. */
async function withoutGlobalTraces<T>(run: () => Promise<T>): Promise<T> {
  const events = ["uncaughtException", "unhandledRejection"] as const;
  const listeners = (event: (typeof events)[number]) => process.listeners(event as "uncaughtException");
  const before = new Map(events.map((event) => [event, listeners(event)]));
  const globalWorker = Object.getOwnPropertyDescriptor(globalThis, "Worker");
  try {
    return await run();
  } finally {
    for (const event of events) {
      for (const listener of listeners(event)) {
        if (!before.get(event)!.includes(listener)) process.removeListener(event, listener);
      }
    }
    if (globalWorker) Object.defineProperty(globalThis, "Worker", globalWorker);
    else delete (globalThis as { Worker?: unknown }).Worker;
  }
}

/** The package's manifest, whose folder also holds the threaded build. */
function resolvePackage(require: NodeJS.Require): string {
  const name = "@tensorflow/tfjs-backend-wasm/package.json";
  try {
    return require.resolve(name);
  } catch (cause) {
    throw new BackendError(
      "setupBackend: @tensorflow/tfjs-backend-wasm is not installed. Run npm i @tensorflow/tfjs-backend-wasm.",
      { cause },
    );
  }
}
