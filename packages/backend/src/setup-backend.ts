import { BackendError, checkOptions, InvalidArgumentError, nearestNames } from "@acr/core";
import { registerTrainingKernels, type TrainingKernels } from "@acr/kernels";
import { findBackend, getBackend, ready, setBackend, version_core } from "@tensorflow/tfjs-core";

/** Options of `setupBackend`. */
export interface SetupBackendOptions {
  /** Backends to try, best first: `"wasm"`, `"cpu"`. Default: both, in this order. */
  prefer?: readonly string[];
  /** Threads of the wasm backend, 1 … 64. Default: the cores of this machine, at most 8. In browsers always 1. */
  threads?: number;
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
  /** Version of tfjs. */
  version: string;
  /** One line for people. */
  description: string;
  /** Better backends that are not available here. */
  skipped: SkippedBackend[];
}

const KNOWN = ["wasm", "cpu"];
const MAXIMUM_THREADS = 64;
const DEFAULT_MAXIMUM_THREADS = 8;

const isNode = () => typeof process !== "undefined" && process.versions?.node !== undefined;

/** What is running, so that a second call with the same wishes changes nothing. */
let running: { key: string; info: BackendInfo; kernels: TrainingKernels } | undefined;

/**
 * Starts the best backend of this machine that can train, and registers the training kernels.
 *
 * `wasm` with threads in Node, with one thread in browsers; `cpu` (very slow, for tests) where `wasm` is not installed.
 * A second call with the same options returns the same backend.
 *
 * @throws {BackendError} none of the wanted backends works; the message says why for each.
 * @throws {InvalidArgumentError} an unknown backend or option, threads out of range.
 * @example
 * const { description } = await setupBackend({ threads: 2 });
 * console.log(description); // "wasm, 2 threads, relaxed SIMD"
 */
export async function setupBackend(options: SetupBackendOptions = {}): Promise<BackendInfo> {
  checkOptions("setupBackend", options, ["prefer", "threads"]);
  const { prefer = KNOWN } = options;
  const threads = options.threads ?? (await defaultThreads());
  if (!Number.isInteger(threads) || threads < 1 || threads > MAXIMUM_THREADS) {
    throw new InvalidArgumentError(
      `setupBackend: threads must be an integer from 1 to ${MAXIMUM_THREADS}; got ${threads}.`,
    );
  }
  for (const name of prefer) {
    if (!KNOWN.includes(name)) {
      throw new InvalidArgumentError(
        `setupBackend: unknown backend "${name}"; did you mean ${nearestNames(name, KNOWN, 1)[0]}? Valid names: ${KNOWN.join(", ")}.`,
      );
    }
  }
  const key = JSON.stringify([prefer, threads]);
  if (running?.key === key && getBackend() === running.info.name) return running.info;
  await running?.kernels.undo();
  running = undefined;

  const skipped: SkippedBackend[] = [];
  for (const name of prefer) {
    try {
      const { info, kernels } = await start(name, threads);
      running = { key, info: { ...info, skipped }, kernels };
      return running.info;
    } catch (error) {
      skipped.push({ name, reason: (error as Error).message });
    }
  }
  throw new BackendError(
    `setupBackend: no backend works here. ${skipped.map(({ name, reason }) => `${name}: ${reason}`).join(" ")}`,
  );
}

async function defaultThreads(): Promise<number> {
  if (!isNode()) return 1;
  const { availableParallelism } = await import("node:os");
  return Math.min(DEFAULT_MAXIMUM_THREADS, availableParallelism());
}

async function start(
  name: string,
  threads: number,
): Promise<{ info: Omit<BackendInfo, "skipped">; kernels: TrainingKernels }> {
  const version = version_core;
  if (name === "cpu") {
    await install("cpu", () => import("@tensorflow/tfjs-backend-cpu"));
    await activate("cpu");
    const kernels = await registerTrainingKernels();
    return {
      info: { name, threads: 1, simd: false, relaxedSimd: false, version, description: "cpu (plain JavaScript, slow)" },
      kernels,
    };
  }
  await install("wasm", () => import("@tensorflow/tfjs-backend-wasm"));
  if (isNode()) {
    if (process.versions.node.startsWith("20.")) {
      // Node 20 has relaxed SIMD behind a flag, which must be set before the module is compiled.
      const { setFlagsFromString } = await import("node:v8");
      setFlagsFromString("--experimental-wasm-relaxed-simd");
    }
    const { startThreadedWasm } = await import("./internal/start-threaded-wasm.js");
    await startThreadedWasm(threads);
  }
  await activate("wasm");
  const kernels = await registerTrainingKernels({ threads: isNode() ? threads : 1 });
  const relaxedSimd = kernels.variant.endsWith("relaxed");
  const description = `wasm, ${kernels.threads} thread${kernels.threads === 1 ? "" : "s"}, ${relaxedSimd ? "relaxed SIMD" : "SIMD"}`;
  return { info: { name, threads: kernels.threads, simd: true, relaxedSimd, version, description }, kernels };
}

/** Loads a backend's package, which registers it. */
async function install(name: string, load: () => Promise<unknown>): Promise<void> {
  try {
    await load();
  } catch (cause) {
    throw new BackendError(
      `@tensorflow/tfjs-backend-${name} is not installed. Run npm i @tensorflow/tfjs-backend-${name}.`,
      { cause },
    );
  }
  if (!findBackend(name) && name === "cpu") throw new BackendError(`the ${name} backend did not start.`);
}

async function activate(name: string): Promise<void> {
  if (!(await setBackend(name))) throw new BackendError(`the ${name} backend did not start.`);
  await ready();
}
