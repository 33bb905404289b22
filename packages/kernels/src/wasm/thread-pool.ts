import { BackendError } from "@acr/core";
import { importNode } from "../internal/import-node.js";
import type { WasmExports } from "./wasm-exports.js";

/** What a worker needs to join. */
interface WorkerStart {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  control: SharedArrayBuffer;
  names: string[];
  thread: number;
  threads: number;
  relaxed: boolean;
  spins: number;
}

/** Layout of the control block (32-bit words, then the arguments as float64). */
const SEQUENCE = 0;
const DONE = 1;
const KERNEL = 2;
const ARGUMENT_COUNT = 3;
const FAILED = 4;
const STARTED = 5;
const CONTROL_BYTES = 32;
const MAXIMUM_ARGUMENTS = 32;
/**
 * How often a thread looks before it sleeps, 0.3 ms in all: longer than the gap between two kernels and than what one thread
 * mostly waits for another, shorter than a step.
 */
const SPINS = 20_000;
const START_TIMEOUT_MS = 20_000;
const WAIT_MS = 100;
/**
 * How many waits without news mean that a worker is dead: one that has not even taken up its share, and one that has.
 * Waits are counted, not the clock, so that a process that was suspended does not take its own sleep for a death.
 */
const WAITS_TO_START = 50;
const WAITS_TO_FINISH = 600;

/** Body of a worker. It is sent as text, so it must not refer to anything outside itself. */
function workerMain(require: NodeJS.Require): void {
  const { workerData, parentPort } = require("node:worker_threads") as typeof import("node:worker_threads");
  const { module, memory, control, names, thread, threads, relaxed, spins: patience } = workerData as WorkerStart;
  if (relaxed && process.versions.node.startsWith("20.")) {
    (require("node:v8") as typeof import("node:v8")).setFlagsFromString("--experimental-wasm-relaxed-simd");
  }
  const exports = new WebAssembly.Instance(module, { env: { memory } }).exports as Record<
    string,
    (...args: number[]) => void
  >;
  const kernels = names.map((name) => exports[name]!);
  const words = new Int32Array(control, 0, 8);
  const values = new Float64Array(control, 32);
  let seen = Atomics.load(words, 0);
  parentPort!.postMessage("ready");
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

/**
 * Runs kernels of one WebAssembly module on several threads at once; the caller's thread is one of them.
 *
 * Workers sleep between jobs and never keep the process alive. Node only: browsers forbid the blocking wait of the
 * main thread.
 */
export class ThreadPool {
  private sequence = 0;
  private dead: string | undefined;

  private constructor(
    private readonly exports: Record<string, (...args: number[]) => void>,
    private readonly names: readonly string[],
    private readonly workers: readonly { terminate(): Promise<number> }[],
    private readonly words: Int32Array,
    private readonly values: Float64Array,
  ) {}

  /** Threads that share a job, the caller's included. */
  get threads(): number {
    return this.workers.length + 1;
  }

  /**
   * Starts `threads − 1` workers and waits until all are ready.
   *
   * @throws {BackendError} a worker failed or did not start in time.
   */
  static async start(
    exports: WasmExports,
    {
      module,
      memory,
      threads,
      relaxed,
    }: { module: WebAssembly.Module; memory: WebAssembly.Memory; threads: number; relaxed: boolean },
  ): Promise<ThreadPool> {
    if (threads === 1) return ThreadPool.alone(exports);
    const { Worker } = await importNode<typeof import("node:worker_threads")>("node:worker_threads");
    const control = new SharedArrayBuffer(CONTROL_BYTES + MAXIMUM_ARGUMENTS * 8);
    const table = exports as unknown as Record<string, (...args: number[]) => void>;
    const names = Object.keys(table).filter((name) => typeof table[name] === "function");
    const workers: InstanceType<typeof Worker>[] = [];
    const pool = new ThreadPool(
      table,
      names,
      workers,
      new Int32Array(control, 0, 8),
      new Float64Array(control, CONTROL_BYTES),
    );
    try {
      for (let thread = 1; thread < threads; thread++) {
        const workerData: WorkerStart = { module, memory, control, names, thread, threads, relaxed, spins: SPINS };
        // Options of the program's own start, as --input-type=module, would make its text a module without `require`.
        const worker = new Worker(`(${workerMain.toString()})(require)`, { eval: true, execArgv: [], workerData });
        workers.push(worker);
        await new Promise<void>((resolve, reject) => {
          const timer = setTimeout(() => reject(new Error(`not ready after ${START_TIMEOUT_MS} ms`)), START_TIMEOUT_MS);
          worker.once("message", () => {
            clearTimeout(timer);
            resolve();
          });
          worker.once("error", (error) => {
            clearTimeout(timer);
            reject(error);
          });
        });
        worker.on("error", (error) => {
          pool.dead ??= String(error);
        });
        worker.on("exit", (code) => {
          pool.dead ??= `it ended with code ${code}`;
        });
        worker.unref();
      }
    } catch (cause) {
      await pool.stop();
      throw new BackendError(`ThreadPool: a worker did not start (${(cause as Error).message}). Use threads: 1.`, {
        cause,
      });
    }
    return pool;
  }

  /** The caller's thread only: all that a browser has, and no module of Node is loaded for it. */
  private static alone(exports: WasmExports): ThreadPool {
    const table = exports as unknown as Record<string, (...args: number[]) => void>;
    return new ThreadPool(table, [], [], new Int32Array(CONTROL_BYTES / 4), new Float64Array(MAXIMUM_ARGUMENTS));
  }

  /** Why the pool runs no more jobs, if so. */
  get failure(): string | undefined {
    return this.dead;
  }

  private deathError(): BackendError {
    return new BackendError(`ThreadPool: a worker died (${this.dead}). Call setupBackend again.`);
  }

  /** Runs a kernel on all threads and returns when the last one is done. */
  run(name: string, args: readonly number[]): void {
    const threads = this.threads;
    const kernel = this.exports[name]!;
    if (threads === 1) {
      kernel(...args, 0, 1);
      return;
    }
    if (this.dead) throw this.deathError();
    const { words, values } = this;
    values.set(args);
    words[KERNEL] = this.names.indexOf(name);
    words[ARGUMENT_COUNT] = args.length;
    Atomics.store(words, DONE, 0);
    Atomics.store(words, STARTED, 0);
    Atomics.store(words, SEQUENCE, ++this.sequence);
    Atomics.notify(words, SEQUENCE);
    let trap: unknown;
    try {
      kernel(...args, 0, threads);
    } catch (cause) {
      // The others still work on their shares: wait for them, so that nobody writes after the error is out.
      trap = cause;
    }
    let spins = 0;
    let waits = 0;
    for (let done = Atomics.load(words, DONE); done < threads - 1; done = Atomics.load(words, DONE)) {
      if (++spins <= SPINS) continue;
      if (Atomics.wait(words, DONE, done, WAIT_MS) === "timed-out") waits++;
      const haveStarted = Atomics.load(words, STARTED) >= threads - 1;
      if (waits < (haveStarted ? WAITS_TO_FINISH : WAITS_TO_START)) continue;
      this.dead ??= haveStarted ? "it did not finish its share" : "it did not take up its share";
      throw this.deathError();
    }
    if (trap !== undefined || Atomics.load(words, FAILED) !== 0) {
      this.dead = `thread ${words[FAILED]} trapped in ${name}`;
      throw new BackendError(
        `ThreadPool: ${this.dead}, most likely out of memory. Use a smaller batch and start the backend again.`,
        { cause: trap },
      );
    }
  }

  /** Ends the workers. Safe to call twice. */
  async stop(): Promise<void> {
    this.dead = "the pool was stopped";
    if (this.workers.length === 0) return;
    this.words[KERNEL] = -1;
    Atomics.store(this.words, SEQUENCE, ++this.sequence);
    Atomics.notify(this.words, SEQUENCE);
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }
}
