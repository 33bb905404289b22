import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { doctor } from "./doctor.js";
import { setupBackend } from "./setup-backend.js";

// Whatever this machine has installed is not looked at here.
process.env.ACR_TENSORFLOW_DIR = "no-such-folder";

describe("doctor()", () => {
  it("measures every backend and leaves the one in use", async () => {
    const info = await setupBackend({ prefer: ["wasm"], threads: 1 });
    const tensorsBefore = tf.memory().numTensors;
    const { chosen, node, gpu, backends } = await doctor({ seconds: 0.5 });
    expect(node).toBe(process.version);
    expect(gpu.length).toBeGreaterThan(0);
    expect(chosen).toBe("wasm");
    expect(backends.map(({ name, available }) => [name, available])).toEqual([
      ["tensorflow", false],
      // On this machine's software driver, if it has one.
      ["webgpu", expect.any(Boolean)],
      ["wasm", true],
      ["cpu", true],
    ]);
    expect(backends[0]!.reason).toBe(
      "tensorflow is not installed. Run acr backend install tensorflow (with --cuda for an NVIDIA GPU), or use wasm.",
    );
    for (const { millisecondsPerImage } of backends.slice(2)) expect(millisecondsPerImage).toBeGreaterThan(0);
    expect(tf.getBackend()).toBe("wasm");
    expect(await setupBackend({ prefer: ["wasm"], threads: 1 })).toBe(info);
    expect(tf.memory().numTensors).toBe(tensorsBefore);
  });

  it("takes one step a backend at least, more where it has time", async () => {
    const stepsOf = async (seconds: number) =>
      (await doctor({ seconds, backends: ["wasm", "cpu"] })).backends.map(({ steps }) => steps);
    expect(await stepsOf(0)).toEqual([1, 1]);
    expect((await stepsOf(2))[0]).toBeGreaterThan(1);
  });

  it("tries backends in this process where it is told to, as browsers do, and puts the one in use back", async () => {
    const info = await setupBackend({ prefer: ["wasm"], threads: 1 });
    const tensorsBefore = tf.memory().numTensors;
    const { backends } = await doctor({ seconds: 0, backends: ["tensorflow", "wasm", "cpu"], inThisProcess: true });
    expect(backends.map(({ available }) => available)).toEqual([false, true, true]);
    expect(backends[0]!.reason).toMatch(/^tensorflow is not installed/);
    expect(tf.getBackend()).toBe("wasm");
    expect(await setupBackend({ prefer: ["wasm"], threads: 1 })).toMatchObject({ ...info });
    expect(tf.memory().numTensors).toBe(tensorsBefore);
  });

  it("gives up a backend that blocks, names one that ends its process, and goes on with the others", async () => {
    const dir = mkdtempSync(join(tmpdir(), "acr doctor "));
    const { ACR_TENSORFLOW_DIR } = process.env;
    process.env.ACR_TENSORFLOW_DIR = dir;
    writeFileSync(join(dir, "install.json"), '{ "formatVersion": 1, "cuda": true }');
    const reasonWith = async (engine: string, limitSeconds: number) => {
      writeFileSync(join(dir, "engine.cjs"), engine);
      const { backends } = await doctor({ seconds: 0, backends: ["tensorflow", "cpu"], limitSeconds });
      expect(backends.map(({ available }) => available)).toEqual([false, true]);
      return backends[0]!.reason;
    };
    try {
      // As a driver does, in native code: nothing inside the process could end this.
      const blocks = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);";
      expect(await reasonWith(blocks, 20)).toMatch(
        /^tensorflow did not answer for 20 seconds, and was ended: .*leave tensorflow out; acr doctor --limit/,
      );
      expect(await reasonWith("process.abort();", 60)).toMatch(
        /^the process that tried tensorflow was ended by SIGABRT: .*leave tensorflow out\.$/,
      );
    } finally {
      rmSync(dir, { recursive: true });
      process.env.ACR_TENSORFLOW_DIR = ACR_TENSORFLOW_DIR;
    }
  });

  it("refuses times that are none, and backends that it does not know", async () => {
    for (const seconds of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      await expect(doctor({ seconds })).rejects.toThrow("doctor: seconds must be a finite number >= 0");
    for (const limitSeconds of [0, Number.NaN])
      await expect(doctor({ limitSeconds })).rejects.toThrow("doctor: limitSeconds must be a finite number > 0");
    await expect(doctor({ backends: ["wsam"] })).rejects.toThrow('unknown backend "wsam"; did you mean wasm?');
    await expect(doctor({ limit: 3 } as never)).rejects.toThrow('unknown option "limit"');
  });
});
