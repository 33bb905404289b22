import { BackendError } from "@acr/core";
import {
  ARGUMENT_COUNT,
  CONTROL_BYTES,
  DONE,
  FAILED,
  KERNEL,
  type PoolWorker,
  SEQUENCE,
  STARTED,
  startPoolWorker,
} from "./pool-worker.js";
import type { WasmExports } from "./wasm-exports.js";

const MAXIMUM_ARGUMENTS = 32;
/**
 * How often a thread looks before it sleeps, 0.3 ms in all: longer than the gap between two kernels and than what one thread
 * mostly waits for another, shorter than a step.
 */
const SPINS = 20_000;
const WAIT_MS = 100;
/**
 * How many waits without news mean that a worker is dead: one that has not even taken up its share, and one that has.
 * Waits are counted, not the clock, so that a process that was suspended does not take its own sleep for a death.
 */
const WAITS_TO_START = 50;
const WAITS_TO_FINISH = 600;

/**
 * Runs kernels of one WebAssembly module on several threads at once; the caller's thread is one of them.
 *
 * Workers sleep between jobs and never keep the process alive.
 */
export class ThreadPool {
  private sequence = 0;
  private dead: string | undefined;
  private readonly mayBlock = mayBlock();

  private constructor(
    private readonly exports: Record<string, (...args: number[]) => void>,
    private readonly names: readonly string[],
    private readonly workers: readonly PoolWorker[],
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
    const control = new SharedArrayBuffer(CONTROL_BYTES + MAXIMUM_ARGUMENTS * 8);
    const table = exports as unknown as Record<string, (...args: number[]) => void>;
    const names = Object.keys(table).filter((name) => typeof table[name] === "function");
    const workers: PoolWorker[] = [];
    const pool = new ThreadPool(
      table,
      names,
      workers,
      new Int32Array(control, 0, 8),
      new Float64Array(control, CONTROL_BYTES),
    );
    try {
      for (let thread = 1; thread < threads; thread++) {
        const start = { module, memory, control, names, thread, threads, relaxed, spins: SPINS };
        const onDeath = (why: string) => {
          pool.dead ??= why;
        };
        workers.push(await startPoolWorker(start, onDeath));
      }
    } catch (cause) {
      await pool.stop();
      throw new BackendError(`ThreadPool: a worker did not start (${(cause as Error).message}). Use threads: 1.`, {
        cause,
      });
    }
    return pool;
  }

  /** The caller's thread only: it needs no shared memory. */
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
      if (!this.isChanged(DONE, done)) waits++;
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

  /** Waits until a word has another value, but not longer than `WAIT_MS`. Returns whether it has. */
  private isChanged(index: number, value: number): boolean {
    const { words } = this;
    if (this.mayBlock) return Atomics.wait(words, index, value, WAIT_MS) !== "timed-out";
    const begun = performance.now();
    do {
      if (Atomics.load(words, index) !== value) return true;
    } while (performance.now() - begun < WAIT_MS);
    return false;
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

/** Whether the caller's thread may sleep: the main thread of a page may not. */
function mayBlock(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
    return true;
  } catch {
    return false;
  }
}
