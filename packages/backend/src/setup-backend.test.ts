import { BackendError, InvalidArgumentError } from "@acr/core";
import * as tf from "@tensorflow/tfjs-core";
import { setupBackend } from "./setup-backend.js";

/** One gradient that tfjs' own wasm backend cannot compute: it lacks the kernel. */
function filterGradient(): Float32Array {
  return tf.tidy(() => {
    const x = tf.randomUniform<tf.Rank.R4>([2, 9, 7, 6], -1, 1, "float32", 3);
    const filter = tf.randomUniform<tf.Rank.R4>([3, 3, 6, 5], -1, 1, "float32", 4);
    return tf.grad((weights) => tf.sum(tf.square(tf.conv2d(x, weights as tf.Tensor4D, 1, "same"))))(filter).dataSync() as Float32Array;
  });
}

const largestDifference = (a: Float32Array, b: Float32Array) => Math.max(...a.map((value, index) => Math.abs(value - b[index]!)));
const errorOf = (promise: Promise<unknown>) => promise.then(() => undefined, (error: unknown) => error as Error);

describe("setupBackend", () => {
  let expected: Float32Array;

  beforeAll(async () => {
    await setupBackend({ prefer: ["cpu"] });
    expected = filterGradient();
  });

  const expectRightGradient = () => {
    const gradient = filterGradient();
    const scale = Math.max(...expected.map(Math.abs));
    expect(largestDifference(gradient, expected)).toBeLessThanOrEqual(1e-4 * scale);
  };

  it("starts cpu when it is preferred", async () => {
    const info = await setupBackend({ prefer: ["cpu"] });
    expect(info).toMatchObject({ name: "cpu", threads: 1, simd: false, relaxedSimd: false, skipped: [] });
    expect(tf.getBackend()).toBe("cpu");
  });

  it("starts wasm on two threads, in shared memory, with the right gradient", async () => {
    const info = await setupBackend({ threads: 2 });
    expect(info).toMatchObject({ name: "wasm", threads: 2, simd: true, skipped: [] });
    expect(info.description).toMatch(/^wasm 4\.\d+\.\d+, 2 threads, (relaxed )?SIMD$/);
    const memory = (tf.backend() as unknown as { wasm: { wasmMemory: WebAssembly.Memory } }).wasm.wasmMemory;
    expect(memory.buffer).toBeInstanceOf(SharedArrayBuffer);
    expectRightGradient();
  });

  it("keeps engine, tensors and threads when it is called again", async () => {
    await setupBackend({ threads: 2 });
    const backend = tf.backend();
    const kept = tf.tensor1d([1, 2, 3]);
    const info = await setupBackend();
    expect(info.threads).toBe(2);
    expect(tf.backend()).toBe(backend);
    expect([...kept.dataSync()]).toEqual([1, 2, 3]);
    kept.dispose();
  });

  it("changes the threads of a running wasm without losing tensors", async () => {
    await setupBackend({ threads: 2 });
    const kept = tf.tensor1d([4, 5]);
    expect((await setupBackend({ threads: 1 })).threads).toBe(1);
    expectRightGradient();
    expect((await setupBackend({ threads: 2 })).threads).toBe(2);
    expectRightGradient();
    expect([...kept.dataSync()]).toEqual([4, 5]);
    kept.dispose();
  });

  it("serves two calls at once with one engine", async () => {
    const [first, second] = await Promise.all([setupBackend({ threads: 2 }), setupBackend({ threads: 2 })]);
    expect(second).toEqual(first);
    expectRightGradient();
  });

  it("gives the same number whatever backend was current in between", async () => {
    await setupBackend({ prefer: ["cpu"] });
    const info = await setupBackend({ prefer: ["wasm"] });
    expect(info.threads).toBe(2);
    expectRightGradient();
  });

  it("goes on to the next preference and says why", async () => {
    const info = await setupBackend({ prefer: ["tensorflow", "cpu"] });
    expect(info.name).toBe("cpu");
    expect(info.skipped).toEqual([{ name: "tensorflow", reason: expect.stringContaining("@tensorflow/tfjs-node") }]);
  });

  it("throws, with a reason for each, when no preference is available and keeps the current backend", async () => {
    await setupBackend({ prefer: ["cpu"] });
    const error = await errorOf(setupBackend({ prefer: ["tensorflow", "nonsense"] }));
    expect(BackendError.isInstance(error)).toBe(true);
    expect(error?.message).toMatch(/tensorflow: .*; nonsense: /);
    expect(tf.getBackend()).toBe("cpu");
    expectRightGradient();
  });

  it("keeps the current backend when a registered one cannot start", async () => {
    await setupBackend({ prefer: ["cpu"] });
    tf.registerBackend("broken", () => {
      throw new Error("no such device");
    });
    const warn = jest.spyOn(console, "warn").mockImplementation(() => {});
    try {
      const error = await errorOf(setupBackend({ prefer: ["broken"] }));
      expect(BackendError.isInstance(error)).toBe(true);
      expect(tf.getBackend()).toBe("cpu");
      expectRightGradient();
    } finally {
      warn.mockRestore();
      tf.removeBackend("broken");
    }
  });

  it.each([0, -1, 1.5, 1000, Number.NaN])("throws BackendError for threads = %p", async (threads) => {
    const error = await errorOf(setupBackend({ threads }));
    expect(BackendError.isInstance(error)).toBe(true);
    expect(error?.message).toContain("threads must be an integer from 1 to 64");
  });

  it("throws for an empty list and for an unknown option", async () => {
    expect(BackendError.isInstance(await errorOf(setupBackend({ prefer: [] })))).toBe(true);
    const error = await errorOf(setupBackend({ thread: 2 } as object));
    expect(InvalidArgumentError.isInstance(error)).toBe(true);
  });

  it("leaves no listeners for uncaught errors behind", async () => {
    await setupBackend({ threads: 2 });
    expect(process.listeners("uncaughtException").map(String).join()).not.toContain("ExitStatus");
  });
});
