import { importNode } from "../internal/import-node.js";

/** What a worker needs to join. */
export interface WorkerStart {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  /** `CONTROL_BYTES` of words, then the arguments as float64. */
  control: SharedArrayBuffer;
  /** Exports of the module that can be asked for, by number. */
  names: string[];
  thread: number;
  threads: number;
  relaxed: boolean;
  /** How often it looks for a job before it sleeps. */
  spins: number;
}

/** A thread that takes its share of each job until it is ended. */
export interface PoolWorker {
  /** Ends it. Settles once it has gone, where that can be told. */
  terminate(): Promise<unknown>;
}

/** Layout of the control block: 32-bit words, then the arguments of a job. */
export const SEQUENCE = 0;
export const DONE = 1;
export const KERNEL = 2;
export const ARGUMENT_COUNT = 3;
export const FAILED = 4;
export const STARTED = 5;
export const CONTROL_BYTES = 32;

const START_TIMEOUT_MS = 20_000;

/**
 * Starts a thread that takes its share of jobs: of `worker_threads` in Node, a web worker elsewhere. Settles once it waits
 * for the first.
 *
 * @param onDeath - hears why it ended, if the caller's thread gets to know.
 * @throws {Error} it did not start.
 */
export async function startPoolWorker(start: WorkerStart, onDeath: (why: string) => void): Promise<PoolWorker> {
  const isNode = typeof process !== "undefined" && process.versions?.node !== undefined;
  const { worker, isReady } = isNode ? await startInNode(start, onDeath) : startInBrowser(start, onDeath);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const isLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not ready after ${START_TIMEOUT_MS} ms`)), START_TIMEOUT_MS);
  });
  try {
    await Promise.race([isReady, isLate]);
  } catch (error) {
    await worker.terminate();
    throw error;
  } finally {
    clearTimeout(timer);
  }
  return worker;
}

interface Starting {
  worker: PoolWorker;
  isReady: Promise<void>;
}

async function startInNode(start: WorkerStart, onDeath: (why: string) => void): Promise<Starting> {
  const { Worker } = await importNode<typeof import("node:worker_threads")>("node:worker_threads");
  // Options of the program's own start, as --input-type=module, would make its text a module without `require`.
  const worker = new Worker(nodeWorker(), { eval: true, execArgv: [], workerData: start });
  const isReady = new Promise<void>((resolve, reject) => {
    worker.once("message", () => resolve());
    worker.once("error", reject);
  });
  worker.on("error", (error) => onDeath(String(error)));
  worker.on("exit", (code) => onDeath(`it ended with code ${code}`));
  worker.unref();
  return { worker, isReady };
}

function startInBrowser(start: WorkerStart, onDeath: (why: string) => void): Starting {
  const url = URL.createObjectURL(new Blob([browserWorker()], { type: "text/javascript" }));
  const worker = new Worker(url);
  const isReady = new Promise<void>((resolve, reject) => {
    worker.onmessage = () => resolve();
    worker.onerror = ({ message }) => {
      const why = message || "refused; a Content-Security-Policy of the page must allow worker-src blob:";
      onDeath(why);
      reject(new Error(why));
    };
  });
  worker.postMessage(start);
  return {
    worker: { terminate: async () => worker.terminate() },
    isReady: isReady.finally(() => URL.revokeObjectURL(url)),
  };
}

/** The life of a worker. It is sent as text, so it must not refer to anything outside itself. */
function takeShares(
  { module, memory, control, names, thread, threads, spins: patience }: WorkerStart,
  sayReady: () => void,
): void {
  const exports = new WebAssembly.Instance(module, { env: { memory } }).exports as Record<
    string,
    (...args: number[]) => void
  >;
  const kernels = names.map((name) => exports[name]!);
  const words = new Int32Array(control, 0, 8);
  const values = new Float64Array(control, 32);
  let seen = Atomics.load(words, 0);
  sayReady();
  for (;;) {
    let spins = 0;
    let sequence = Atomics.load(words, 0);
    while (sequence === seen) {
      if (++spins > patience) Atomics.wait(words, 0, seen, 1000);
      sequence = Atomics.load(words, 0);
    }
    seen = sequence;
    Atomics.add(words, 5, 1);
    const kernel = Atomics.load(words, 2);
    if (kernel < 0) return;
    const count = Atomics.load(words, 3);
    const args = Array.from(values.subarray(0, count));
    try {
      kernels[kernel]!(...args, thread, threads);
    } catch {
      Atomics.store(words, 4, thread);
    }
    Atomics.add(words, 1, 1);
    Atomics.notify(words, 1);
  }
}

/** Node 20 has relaxed SIMD behind a flag, in each thread. */
const nodeWorker = () => `
const { workerData, parentPort } = require("node:worker_threads");
if (workerData.relaxed && process.versions.node.startsWith("20."))
  require("node:v8").setFlagsFromString("--experimental-wasm-relaxed-simd");
(${takeShares})(workerData, () => parentPort.postMessage("ready"));`;

const browserWorker = () => `onmessage = ({ data }) => (${takeShares})(data, () => postMessage("ready"));`;
