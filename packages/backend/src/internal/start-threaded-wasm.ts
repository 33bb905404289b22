import { mkdtempSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { BackendError } from "@acr/core";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { registerBackend, removeBackend } from "@tensorflow/tfjs-core";

/** The Emscripten module of the threaded build, as far as it is used here. */
interface WasmModule {
  cwrap(name: string, returns: string | null, args: string[]): unknown;
  tfjs?: object;
  PThread?: { unusedWorkers: { terminate(): void }[] };
}

/**
 * Registers tfjs' wasm backend on its threaded build, whose shared memory the training kernels' threads can use.
 *
 * tfjs switches that build off in Node: its loader looks for a blob: worker. Started by hand with the worker's text in
 * a real file it works. The glue also installs handlers that turn every uncaught error into its own; they are removed.
 */
export async function startThreadedWasm(threads: number): Promise<void> {
  const require = createRequire(join(process.cwd(), "package.json"));
  const wasm = await import("@tensorflow/tfjs-backend-wasm");
  const folder = join(dirname(resolvePackage(require)), "wasm-out");
  const glue = join(folder, "tfjs-backend-wasm-threaded-simd.js");
  const factory = require(glue) as (options: object) => Promise<WasmModule>;
  const { wasmWorkerContents } = require(join(folder, "tfjs-backend-wasm-threaded-simd.worker.js")) as {
    wasmWorkerContents: string;
  };
  const workerFile = join(mkdtempSync(join(tmpdir(), "acr-wasm-")), "worker.cjs");
  // The package exports the text with its escapes already resolved; line breaks inside its strings must be put back.
  writeFileSync(workerFile, wasmWorkerContents.replaceAll("\n", "\\n"));

  const events = ["uncaughtException", "unhandledRejection"] as const;
  const before = new Map(events.map((event) => [event, process.listeners(event as "uncaughtException")]));
  const module = await factory({
    locateFile: (file: string) =>
      file.endsWith(".worker.js")
        ? workerFile
        : file.endsWith(".wasm")
          ? join(folder, "tfjs-backend-wasm-threaded-simd.wasm")
          : file,
    mainScriptUrlOrBlob: glue,
  });
  for (const event of events) {
    for (const listener of process.listeners(event as "uncaughtException")) {
      if (!before.get(event)!.includes(listener)) process.removeListener(event, listener);
    }
  }
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
}

/** The package as the application sees it, else as this package does. */
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
