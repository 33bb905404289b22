import { BackendError } from "@acr/core";
import { compileModule } from "./compile-module.js";
import { ThreadPool } from "./thread-pool.js";
import type { WasmExports } from "./wasm-exports.js";

const COUNT = 1000;
const A = 1024;
const B = A + COUNT * 4;
const OUT = B + COUNT * 4;

async function start(threads: number) {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  const { module } = await compileModule({ shared: true, relaxed: false });
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  const pool = await ThreadPool.start(exports as unknown as WasmExports, { module, memory, threads, relaxed: false });
  return { pool, memory };
}

describe("ThreadPool", () => {
  it.each([[1], [2], [3]])("shares each of many jobs among %i threads and misses no element", async (threads) => {
    const { pool, memory } = await start(threads);
    expect(pool.threads).toBe(threads);
    const a = new Float32Array(memory.buffer, A, COUNT).map((_, i) => i);
    new Float32Array(memory.buffer, A, COUNT).set(a);
    new Float32Array(memory.buffer, B, COUNT).fill(0.5);
    const out = new Float32Array(memory.buffer, OUT, COUNT);
    for (let job = 0; job < 50; job++) {
      out.fill(-1);
      pool.run("add", [A, B, OUT, COUNT]);
      expect(out.every((value, i) => value === i + 0.5)).toBe(true);
    }
    await pool.stop();
  });

  it("turns a trap into a BackendError, refuses further jobs and still stops", async () => {
    const { pool } = await start(2);
    const outside = 2 ** 31;
    expect(() => pool.run("add", [outside, outside, outside, COUNT])).toThrow(BackendError);
    expect(() => pool.run("add", [A, B, OUT, COUNT])).toThrow("ThreadPool: a worker died");
    await pool.stop();
  });

  it("refuses jobs after stop(), which is safe to call twice", async () => {
    const { pool } = await start(2);
    await pool.stop();
    await pool.stop();
    expect(() => pool.run("add", [A, B, OUT, COUNT])).toThrow("the pool was stopped");
  });

  it("notices at once a worker that ended, and within seconds one that dies while the caller blocks", async () => {
    for (const isAwaited of [true, false]) {
      const { pool } = await start(2);
      pool.run("add", [A, B, OUT, COUNT]);
      const { workers } = pool as unknown as { workers: { terminate(): Promise<number> }[] };
      const ended = workers[0]!.terminate();
      if (isAwaited) await ended;
      const run = () => {
        // The worker may still take a few jobs before its end reaches it.
        for (let job = 0; job < 1e7; job++) pool.run("add", [A, B, OUT, COUNT]);
      };
      expect(run).toThrow("ThreadPool: a worker died (it");
      expect(pool.failure).toBeDefined();
      await pool.stop();
    }
  });
});
