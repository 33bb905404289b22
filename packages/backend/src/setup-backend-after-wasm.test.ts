import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { setupBackend } from "./setup-backend.js";

describe("setupBackend after an application started wasm by itself", () => {
  it("keeps the application's tensors, on one thread, and says what to do", async () => {
    await tf.setBackend("wasm");
    const kept = tf.tensor1d([7, 8]);
    const info = await setupBackend({ threads: 2 });
    expect(info).toMatchObject({ name: "wasm", threads: 1 });
    expect(info.skipped).toEqual([{ name: "wasm with threads", reason: expect.stringContaining("before the first tensor") }]);
    expect([...kept.dataSync()]).toEqual([7, 8]);
    kept.dispose();
  });

  it("gets threads once those tensors are gone", async () => {
    expect(tf.memory().numTensors).toBe(0);
    const info = await setupBackend({ threads: 2 });
    expect(info).toMatchObject({ threads: 2, skipped: [] });
  });
});
