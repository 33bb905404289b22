import { BackendError } from "@acr/core";
import { registerTrainingKernels } from "@acr/kernels";
import { engine, env, version_core } from "@tensorflow/tfjs-core";
import { activateBackend } from "./activate-backend.js";
import type { Started, Wishes } from "./engine-start.js";
import { importNode } from "./import-node.js";
import { isNode } from "./is-node.js";
import { loadBackendPackage } from "./load-backend-package.js";
import { whyNoThreads } from "./why-no-threads.js";

/** The first Node whose V8 joins 128-bit operations. */
const WIDE_NODE = 24;

/** Whether the wasm backend was started here, so that its memory can be shared with threads. */
let ownsThreadedWasm = false;

/** `wasm`, with threads in Node and in pages that are cross-origin isolated. One that the application had started is used as it is. */
export async function startWasmEngine({ threads, wideRegisters }: Wishes): Promise<Started> {
  await loadBackendPackage("wasm", () => import("@tensorflow/tfjs-backend-wasm"));
  // Asked here, for tfjs' own start would print what its compiler says, and tell no reason.
  if (typeof WebAssembly === "undefined") {
    throw new BackendError(
      "this runtime has no WebAssembly. Start Node without --jitless, or allow it in the browser.",
    );
  }
  // tfjs' threaded build needs SIMD; without, tfjs loads a build of its own, and the kernels are the scalar ones.
  const simd = await env().getAsync("WASM_HAS_SIMD_SUPPORT").then(Boolean);
  // A started backend holds tensors: it is kept.
  const isStarted = "wasm" in engine().registry;
  let release = async () => {};
  if (isNode() && !isStarted && simd) {
    if (process.versions.node.startsWith("20.")) {
      // Node 20 has relaxed SIMD behind a flag, which must be set before the module is compiled.
      const { setFlagsFromString } = await importNode<typeof import("node:v8")>("node:v8");
      setFlagsFromString("--experimental-wasm-relaxed-simd");
    }
    const { startThreadedWasm } = await import("./start-threaded-wasm.js");
    release = await startThreadedWasm(threads);
    ownsThreadedWasm = true;
  }
  // Pages get shared memory from tfjs itself.
  const pageLacks = isNode() || !simd ? undefined : await whyNoThreads();
  if (!isNode() && !isStarted) {
    const { setThreadsCount } = await import("@tensorflow/tfjs-backend-wasm");
    setThreadsCount(threads);
    // It would wait for its workers forever.
    if (pageLacks) env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  }
  await activateBackend("wasm");
  await release();
  const tooOld = wideRegisters ? await joinOperations() : undefined;
  const kernels = await registerTrainingKernels({
    threads,
    wideRegisters: wideRegisters && tooOld === undefined,
  });
  const relaxedSimd = kernels.variant.includes("relaxed");
  const isWide = kernels.variant.endsWith("wide");
  const description = [
    "wasm",
    `${kernels.threads} thread${kernels.threads === 1 ? "" : "s"}`,
    simd ? (relaxedSimd ? "relaxed SIMD" : "SIMD") : "no SIMD",
    ...(isWide ? ["256 bits"] : wideRegisters ? [`no 256 bits: ${tooOld ?? kernels.wideRefusal}`] : []),
    ...(isNode() && simd && !ownsThreadedWasm ? ["no threads: the application had started this backend"] : []),
    ...(pageLacks ? [pageLacks] : []),
    ...(!isNode() && simd && !pageLacks && kernels.threads < threads
      ? [
          "no threads: tfjs runs another build than its threaded one (setWasmPaths must name a folder with its three .wasm files)",
        ]
      : []),
  ].join(", ");
  return {
    info: {
      name: "wasm",
      threads: kernels.threads,
      simd,
      relaxedSimd,
      ...(wideRegisters && { wideRegisters: isWide }),
      version: version_core,
      description,
    },
    kernels,
  };
}

/**
 * Lets V8 join pairs of 128-bit operations in what it compiles from now on. The flag must stay: V8 compiles a function well
 * only after it has run for a while.
 *
 * @returns why not, if so. A browser has its own flags: the kernels' test finds out.
 */
async function joinOperations(): Promise<string | undefined> {
  if (!isNode()) return undefined;
  if (Number.parseInt(process.versions.node, 10) < WIDE_NODE)
    return `needs Node >= ${WIDE_NODE}, this is ${process.versions.node}`;
  if (process.arch !== "x64") return `needs an x64 processor, this is ${process.arch}`;
  const { setFlagsFromString } = await importNode<typeof import("node:v8")>("node:v8");
  setFlagsFromString("--experimental-wasm-revectorize");
  return undefined;
}
