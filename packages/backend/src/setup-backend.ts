import { BackendError } from "@acr/core";
import { registerTrainingKernels, type TrainingKernels } from "@acr/kernels";
import { engine, getBackend, setBackend } from "@tensorflow/tfjs-core";
import { checkWishes } from "./internal/check-wishes.js";
import { startEngine } from "./internal/start-engine.js";

/** Options of `setupBackend`. */
export interface SetupBackendOptions {
  /**
   * Backends to try, best first: `"tensorflow"`, `"webgpu"`, `"wasm"`, `"cpu"`, or one that the application registered.
   * Default: tensorflow where it, or tfjs-node-gpu, was installed with CUDA and sees a GPU, webgpu where its adapter is a
   * graphics processor, wasm, cpu; with `gpu` from 0 on only the first two.
   */
  prefer?: readonly string[];
  /**
   * Threads of wasm and tensorflow, 1 … 64. Default: the physical cores of this machine, at most 8. In a page that is not
   * cross-origin isolated always 1. TensorFlow keeps the number that it was started with.
   */
  threads?: number;
  /**
   * The NVIDIA GPU of tensorflow, from 0 on as `nvidia-smi` lists them; -1 for none. From 0 on it must be usable. On
   * webgpu 0 demands a graphics processor, for its adapters have no numbers.
   * Default: that of the environment variable `ACR_GPU`, else whatever TensorFlow finds.
   */
  gpu?: number;
  /**
   * Lets wasm use 256-bit registers where V8 can (Node >= 24 on x64 with AVX2): the same numbers bit for bit, faster. It
   * sets V8's flag `--experimental-wasm-revectorize`, which stays on and holds for all WebAssembly that this process
   * compiles from then on. Where the test at the start finds other bits or no gain, the usual build runs and
   * `description` says why. Needs `wasm` among the wanted backends. Default: whether the environment variable
   * `ACR_WIDE_REGISTERS` is `1`; backends other than wasm leave that alone.
   */
  wideRegisters?: boolean;
}

/** A backend that was not chosen, and why. */
export interface SkippedBackend {
  name: string;
  reason: string;
}

/** The backend in use. */
export interface BackendInfo {
  name: string;
  threads: number;
  simd: boolean;
  relaxedSimd: boolean;
  /** Whether wasm uses 256-bit registers, where that was asked for. */
  wideRegisters?: boolean;
  /** Whether it computes on a graphics processor. */
  gpu?: boolean;
  /** Free memory of the graphics processor in bytes when it was started, where its driver tells. */
  gpuMemoryBytes?: number;
  /** The largest tensor it can hold, in bytes, where there is a limit. */
  largestTensorBytes?: number;
  /** Version of tfjs. */
  version: string;
  /** One line for people. */
  description: string;
  /** Better backends that are not available here. */
  skipped: SkippedBackend[];
}

/** What is running: a second call with the same wishes changes nothing, a failed one goes back to it. */
let running: { key: string; info: BackendInfo; kernels: TrainingKernels } | undefined;
/** Calls wait for each other: two engines starting at once would take each other's kernels. */
let queue: Promise<unknown> = Promise.resolve();

/** What `setupBackend` started last, if that is still in use. For `doctor`, which puts it back. */
export const runningBackend = (): BackendInfo | undefined =>
  running && getBackend() === running.info.name ? running.info : undefined;

/**
 * Starts the best backend of this machine that can train, and registers the training kernels.
 *
 * `tensorflow` is what `installTensorFlow` made, or an installed tfjs-node: by default only where it drives a GPU, as
 * `webgpu`, whose software drivers are far slower than `wasm`. `wasm`
 * with threads in Node and in pages that are cross-origin isolated, with one thread elsewhere and where the runtime has no SIMD; `cpu` (very slow, for tests) where `wasm` is not installed.
 * Tensors of a backend that is running already stay alive: asked again with another number of threads, the same backend
 * goes on with that number. A `wasm` backend that the application started itself is used as it is, with one thread.
 *
 * @throws {BackendError} none of the wanted backends works, or the thread count is out of range; the message says why
 *   for each; `cause` is the error of the only one, or an `AggregateError`. The backend that was in use stays in use.
 * @throws {InvalidArgumentError} an unknown backend or option.
 * @example
 * const { description } = await setupBackend({ threads: 2 });
 * console.log(description); // "wasm, 2 threads, relaxed SIMD"
 */
export function setupBackend(options: SetupBackendOptions = {}): Promise<BackendInfo> {
  const result = queue.then(() => setUp(options));
  queue = result.catch(() => undefined);
  return result;
}

async function setUp(options: SetupBackendOptions): Promise<BackendInfo> {
  const { prefer, ...wishes } = await checkWishes(options);
  const { threads, gpu, wideRegisters } = wishes;
  const key = JSON.stringify([prefer, threads, gpu, wideRegisters]);
  const isAlive = running?.kernels.failure === undefined;
  if (running?.key === key && isAlive && getBackend() === running.info.name) return running.info;

  const registered = new Set(Object.keys(engine().registryFactory));
  const previous = { name: getBackend(), running, registered };
  await running?.kernels.undo();
  running = undefined;
  const skipped: SkippedBackend[] = [];
  const causes: unknown[] = [];
  for (const name of prefer) {
    try {
      const { info, kernels } = await startEngine(name, wishes);
      running = { key, info: { ...info, skipped }, kernels };
      return running.info;
    } catch (error) {
      skipped.push({ name, reason: (error as Error).message });
      causes.push(error);
    }
  }
  await goBack(previous);
  throw new BackendError(
    `setupBackend: no backend works here. ${skipped.map(({ name, reason }) => `${name}: ${reason}`).join(" ")}`,
    { cause: causes.length === 1 ? causes[0] : new AggregateError(causes) },
  );
}

async function goBack(previous: {
  name: string;
  running: typeof running;
  registered: ReadonlySet<string>;
}): Promise<void> {
  if (!previous.name) {
    // tfjs is to choose by itself, as it would have before: what was refused is its last choice, unless the program had brought it along.
    for (const [name, entry] of Object.entries(engine().registryFactory))
      if (!previous.registered.has(name)) entry.priority = 0;
    Object.assign(engine(), { backendName: null, backendInstance: null });
    return;
  }
  await setBackend(previous.name);
  if (!previous.running) return;
  const { threads, wideRegisters = false } = previous.running.info;
  running = { ...previous.running, kernels: await registerTrainingKernels({ threads, wideRegisters }) };
}
