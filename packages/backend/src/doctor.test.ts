import * as tf from "@tensorflow/tfjs-core";
import { doctor } from "./doctor.js";
import { setupBackend } from "./setup-backend.js";

// Whatever this machine has installed is not looked at here.
process.env.ACR_TENSORFLOW_DIR = "no-such-folder";

describe("doctor()", () => {
  it("measures every backend and leaves the one in use", async () => {
    await setupBackend({ prefer: ["wasm"], threads: 1 });
    const tensorsBefore = tf.memory().numTensors;
    const { chosen, node, gpu, backends } = await doctor({ seconds: 0.5 });
    expect(node).toBe(process.version);
    expect(gpu.length).toBeGreaterThan(0);
    expect(chosen).toBe("wasm");
    expect(backends.map(({ name, available }) => [name, available])).toEqual([
      ["tensorflow", false],
      ["webgpu", false],
      ["wasm", true],
      ["cpu", true],
    ]);
    expect(backends[0]!.reason).toContain("tensorflow is not installed. Run acr backend install tensorflow");
    // Jest cannot load an ESM package; start-web-gpu.test.ts asks in a process of its own.
    expect(backends[1]!.reason).toMatch(/the package webgpu does not load/);
    for (const { millisecondsPerImage } of backends.slice(2)) expect(millisecondsPerImage).toBeGreaterThan(0);
    expect(tf.getBackend()).toBe("wasm");
    expect((await setupBackend({ prefer: ["wasm"], threads: 1 })).threads).toBe(1);
    expect(tf.memory().numTensors).toBe(tensorsBefore);
  });

  it("takes one step a backend at least, more where it has time, and refuses what is no time", async () => {
    const stepsOf = async (seconds: number) =>
      (await doctor({ seconds })).backends.filter(({ available }) => available).map(({ steps }) => steps);
    expect(await stepsOf(0)).toEqual([1, 1]);
    expect((await stepsOf(2))[0]).toBeGreaterThan(1);
    for (const seconds of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      await expect(doctor({ seconds })).rejects.toThrow("doctor: seconds must be a finite number >= 0");
  });
});
