import { checkOptions, InvalidArgumentError } from "@acr/core";
import { backend as currentBackend, getBackend, getGradient, type TensorInfo } from "@tensorflow/tfjs-core";
// tfjs-core alone registers no gradients; its layers package does.
import "@tensorflow/tfjs-layers";
import { setWasmRuntime } from "./internal/current-wasm-runtime.js";
import { replaceKernels } from "./internal/replace-kernels.js";
import { registerTensorFlowKernels } from "./tensorflow/register-tensorflow-kernels.js";
import { convolutionGradients } from "./wasm/convolution-gradients.js";
import { convolutionKernels } from "./wasm/convolution-kernels.js";
import { einsumGradient } from "./wasm/einsum.js";
import { elementwiseKernels } from "./wasm/elementwise-kernels.js";
import { exciteKernels } from "./wasm/excite-kernels.js";
import { gateGradients, gateKernels } from "./wasm/gate-kernels.js";
import { matrixKernels } from "./wasm/matrix-kernels.js";
import { missingKernels } from "./wasm/missing-kernels.js";
import { normGradients } from "./wasm/norm-gradients.js";
import { normKernels } from "./wasm/norm-kernels.js";
import { poolKernels } from "./wasm/pool-kernels.js";
import { reductionKernels } from "./wasm/reduction-kernels.js";
import { refusedKernels } from "./wasm/refused-kernels.js";
import { resizeKernels } from "./wasm/resize-kernels.js";
import { unitGradients } from "./wasm/unit-gradients.js";
import { unitKernels } from "./wasm/unit-kernels.js";
import { type WasmBackend, WasmRuntime } from "./wasm/wasm-runtime.js";

/** Options of `registerTrainingKernels`. */
export interface TrainingKernelOptions {
  /** Threads that share a kernel, >= 1. More than one needs a backend on shared memory (`setupBackend` makes it). Default 1. */
  threads?: number;
  /** Use relaxed SIMD (fused multiply-add) where the runtime has it. Default true. */
  relaxedSimd?: boolean;
  /**
   * Use the build of the `wasm` kernels for runtimes that join pairs of 128-bit operations to 256-bit ones. It is tested
   * first, for 0.2 to 0.5 s (at most 2 s): where it computes other bits or is not faster, the usual build runs and
   * `wideRefusal` says why. V8 joins under its flag `--experimental-wasm-revectorize`, which
   * `setupBackend({ wideRegisters: true })` sets. `"always"` leaves out the test. Default false.
   */
  wideRegisters?: boolean | "always";
}

/** What `registerTrainingKernels` started. */
export interface TrainingKernels {
  /** E.g. `simd-threads-relaxed`, `scalar` (wasm without SIMD), `tensorflow-cpu`, `webgpu`; `composed` on backends that need no kernels. */
  readonly variant: string;
  readonly threads: number;
  /** Why the build for 256-bit registers is not in use, where it was asked for. */
  readonly wideRefusal?: string | undefined;
  /** Why these kernels cannot go on (a worker died, the graphics device was lost, out of memory), if so: undo and register again. */
  readonly failure: string | undefined;
  /** Restores the kernels that were there before and stops the threads. Safe to call twice. */
  undo(): Promise<void>;
}

const MAXIMUM_THREADS = 64;

/** A value in a message: "2" is no 2. */
const shown = (value: unknown) => (typeof value === "string" ? JSON.stringify(value) : String(value));

/**
 * Makes the current tfjs backend able to train convolutional networks, and fast.
 *
 * On `wasm` it registers the kernels that tfjs lacks (filter gradients) and faster ones for those it has; what a kernel
 * does not cover goes to the one that was there before, or, where that one gives wrong numbers, to others or to an error. Where the runtime has no SIMD these kernels do the same one number
 * at a time. On `tensorflow` (tfjs-node) normalisation, activations and Adam
 * run as TensorFlow's own fused operations. On `webgpu` they run as WGSL programs, with the filter gradients that tfjs
 * computes slowly. On other backends nothing is changed: they have these kernels.
 * Called twice for one backend, it returns what it started first. Removing a wasm backend from tfjs undoes them too.
 *
 * @throws {BackendError} shared memory without WebAssembly SIMD, a worker that does not start, an unknown wasm backend version.
 * @throws {InvalidArgumentError} threads is not an integer from 1 to 64, or another option has no valid value.
 * @example
 * await tf.setBackend("wasm");
 * const kernels = await registerTrainingKernels();
 * // … train …
 * await kernels.undo();
 */
export async function registerTrainingKernels(options: TrainingKernelOptions = {}): Promise<TrainingKernels> {
  checkOptions("registerTrainingKernels", options, ["threads", "relaxedSimd", "wideRegisters"]);
  const { threads = 1, relaxedSimd = true, wideRegisters = false } = options;
  if (!Number.isInteger(threads) || threads < 1 || threads > MAXIMUM_THREADS) {
    throw new InvalidArgumentError(
      `registerTrainingKernels: threads must be an integer from 1 to ${MAXIMUM_THREADS}; got ${shown(threads)}.`,
    );
  }
  for (const [name, value] of Object.entries({ relaxedSimd, wideRegisters })) {
    if (typeof value !== "boolean" && !(name === "wideRegisters" && value === "always")) {
      const expected = name === "wideRegisters" ? 'true, false or "always"' : "true or false";
      throw new InvalidArgumentError(`registerTrainingKernels: ${name} must be ${expected}; got ${shown(value)}.`);
    }
  }
  if (getBackend() === "tensorflow" && "binding" in currentBackend()) return registerTensorFlowKernels();
  if (getBackend() === "webgpu" && "runWebGPUProgram" in currentBackend()) {
    const { registerWebGpuKernels } = await import("./webgpu/register-webgpu-kernels.js");
    return registerWebGpuKernels();
  }
  if (getBackend() !== "wasm") return { variant: "composed", threads: 1, failure: undefined, undo: async () => {} };
  const backend = currentBackend() as WasmBackend;
  const known = STARTED.get(backend);
  if (known) return known;
  const starting = startWasmKernels(backend, { threads, relaxedSimd, wideRegisters });
  STARTED.set(backend, starting);
  // Whoever called first hears of the failure; the next call tries again.
  starting.catch(() => STARTED.delete(backend));
  return starting;
}

/** The kernels of each wasm backend, from the call on that starts them. */
const STARTED = new WeakMap<WasmBackend, Promise<TrainingKernels>>();

async function startWasmKernels(
  backend: WasmBackend,
  { threads, relaxedSimd, wideRegisters }: Required<TrainingKernelOptions>,
): Promise<TrainingKernels> {
  const runtime = await WasmRuntime.start(backend, { threads, relaxed: relaxedSimd, wide: wideRegisters });
  const groups = [
    convolutionKernels(runtime),
    elementwiseKernels(runtime),
    exciteKernels(runtime),
    gateKernels(runtime),
    matrixKernels(runtime),
    missingKernels(runtime),
    normKernels(runtime),
    poolKernels(runtime),
    reductionKernels(runtime),
    refusedKernels(runtime),
    resizeKernels(runtime),
    unitKernels(runtime),
  ];
  const kernels = Object.fromEntries(
    groups
      .flatMap((group) => Object.entries<(call: never) => TensorInfo | TensorInfo[] | undefined>(group))
      .map(([name, kernel]) => [name, (call: never) => runtime.call(kernel, call)]),
  );
  // A gradient of einsum that the application brought stays.
  const missing = getGradient(einsumGradient.kernelName) ? [] : [einsumGradient];
  const gradients = [...normGradients, ...unitGradients, ...gateGradients, ...convolutionGradients(), ...missing];
  const restore = replaceKernels("wasm", kernels, gradients);
  setWasmRuntime(backend, runtime);

  const { dispose } = backend;
  let undone: Promise<void> | undefined;
  const registration: TrainingKernels = {
    variant: runtime.variant,
    threads: runtime.threads,
    wideRefusal: runtime.wideRefusal,
    get failure() {
      return runtime.failure;
    },
    undo: () => {
      undone ??= (async () => {
        setWasmRuntime(backend, undefined);
        STARTED.delete(backend);
        backend.dispose = dispose;
        restore();
        await runtime.stop();
      })();
      return undone;
    },
  };
  // Kernels go by the backend's name: those of a removed one would work on its memory for the next.
  backend.dispose = () => {
    void registration.undo();
    dispose.call(backend);
  };
  return registration;
}
