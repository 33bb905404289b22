import { BackendError, checkOptions } from "@acr/core";
import { isNode } from "./internal/is-node.js";
import { startBackend } from "./internal/start-backend.js";

/** Options of `setupBackend`. */
export interface SetupBackendOptions {
  /**
   * Names of the backends to try, best first; only these. Besides `wasm` and `cpu`, whatever the application has
   * registered with tfjs by importing its package. Default `["wasm", "cpu"]`.
   */
  prefer?: readonly string[];
  /** Threads for one operation, 1 to 64. Default: the physical cores. More than one exist on `wasm` in Node. */
  threads?: number;
}

/** A better choice that was not available. */
export interface SkippedBackend {
  name: string;
  reason: string;
}

/** What `setupBackend` started. */
export interface BackendInfo {
  /** Name under which tfjs knows it. */
  name: string;
  /** Threads of our kernels; 1 on other backends than `wasm`. */
  threads: number;
  /** Our kernels use WebAssembly SIMD. */
  simd: boolean;
  /** They also use relaxed SIMD (fused multiply-add). */
  relaxedSimd: boolean;
  /** Of the package of the backend, or of tfjs-core where that is unknown. */
  version: string;
  /** For people, e.g. `wasm 4.22.0, 2 threads, relaxed SIMD`. */
  description: string;
  /** What would have been better, and why it was not available. */
  skipped: SkippedBackend[];
}

const MAXIMUM_THREADS = 64;
const OLDEST_NODE = 20;

/** Calls wait for each other: two at once would start two engines. */
let queue: Promise<unknown> = Promise.resolve();

/**
 * Makes the best backend of this machine tfjs' current one, able to train: threaded `wasm` in Node, else plain `wasm`,
 * else `cpu`; with the training kernels registered. A second call keeps what runs, or changes its threads.
 *
 * Call it before the first tensor is made: a `wasm` backend that holds tensors cannot get threads any more.
 * Where nothing can be started, the backend from before stays current.
 *
 * @throws {BackendError} none of `prefer` is available (the message says why for each), threads is not an integer from
 * 1 to 64, Node is older than 20.
 * @throws {InvalidArgumentError} an option is unknown.
 * @example
 * const backend = await setupBackend();
 * console.log(backend.description); // wasm 4.22.0, 2 threads, relaxed SIMD
 */
export function setupBackend(options: SetupBackendOptions = {}): Promise<BackendInfo> {
  const result = queue.then(() => setup(options));
  queue = result.catch(() => {});
  return result;
}

async function setup(options: SetupBackendOptions): Promise<BackendInfo> {
  checkOptions("setupBackend", options, ["prefer", "threads"]);
  const { prefer = ["wasm", "cpu"], threads } = options;
  if (!Array.isArray(prefer) || prefer.length === 0 || prefer.some((name) => typeof name !== "string")) {
    throw new BackendError('setupBackend: prefer must be a list of backend names, e.g. ["wasm", "cpu"].');
  }
  if (threads !== undefined && (!Number.isInteger(threads) || threads < 1 || threads > MAXIMUM_THREADS)) {
    throw new BackendError(`setupBackend: threads must be an integer from 1 to ${MAXIMUM_THREADS}; got ${threads}. Leave it out for one a core.`);
  }
  if (isNode() && Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
    throw new BackendError(`setupBackend: Node ${process.versions.node} is too old; expected Node >= ${OLDEST_NODE}. Install a current one.`);
  }
  const skipped: SkippedBackend[] = [];
  for (const name of prefer) {
    try {
      const { version, kernels, threadsReason } = await startBackend(name, threads);
      if (threadsReason) skipped.push({ name: `${name} with threads`, reason: threadsReason });
      const simd = kernels.variant.startsWith("simd");
      const relaxedSimd = kernels.variant.endsWith("relaxed");
      const features = [
        `${name} ${version}`,
        ...(name === "wasm" ? [`${kernels.threads} ${kernels.threads === 1 ? "thread" : "threads"}`] : []),
        ...(simd ? [relaxedSimd ? "relaxed SIMD" : "SIMD"] : []),
      ];
      return { name, threads: kernels.threads, simd, relaxedSimd, version, description: features.join(", "), skipped };
    } catch (error) {
      skipped.push({ name, reason: (error as Error).message });
    }
  }
  const reasons = skipped.map(({ name, reason }) => `${name}: ${reason}`).join("; ");
  throw new BackendError(`setupBackend: none of the preferred backends is available. ${reasons}`);
}
