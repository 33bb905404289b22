import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BackendError } from "@acr/core";
import { optimizeForTraining } from "@acr/kernels";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { setupBackend } from "./setup-backend.js";

/** Loss and gradients of a small depthwise net. */
function gradients(): number[] {
  const { layers } = tfl;
  const image = tfl.input({ shape: [33, 33, 3] });
  const kernelInitializer = tfl.initializers.glorotUniform({ seed: 1 });
  let x = layers
    .conv2d({ filters: 24, kernelSize: 3, strides: 2, padding: "same", useBias: false, kernelInitializer })
    .apply(image) as tfl.SymbolicTensor;
  x = layers
    .reLU({ maxValue: 6 })
    .apply(layers.batchNormalization({}).apply(x) as tfl.SymbolicTensor) as tfl.SymbolicTensor;
  x = layers
    .depthwiseConv2d({ kernelSize: 3, padding: "same", useBias: false, depthwiseInitializer: kernelInitializer })
    .apply(x) as tfl.SymbolicTensor;
  x = layers
    .globalAveragePooling2d({})
    .apply(layers.batchNormalization({}).apply(x) as tfl.SymbolicTensor) as tfl.SymbolicTensor;
  const net = tfl.model({
    inputs: image,
    outputs: layers.dense({ units: 4, kernelInitializer }).apply(x) as tfl.SymbolicTensor,
  });
  const fused = optimizeForTraining(net);
  return tf.tidy(() => {
    const pixels = tf.randomUniform([3, 33, 33, 3], -1, 1, "float32", 2);
    const variables = net.trainableWeights.map((weight) => weight.read() as tf.Variable);
    const { value, grads } = tf.variableGrads(
      () => tf.mean(tf.square(fused.apply(pixels, { training: true }) as tf.Tensor)) as tf.Scalar,
      variables,
    );
    return [...value.dataSync(), ...variables.flatMap((variable) => [...grads[variable.name]!.dataSync()])];
  });
}

describe("setupBackend(options)", () => {
  it("trains alike with 1, 2 and 3 threads, and bit for bit with the same number", async () => {
    const results: number[][] = [];
    for (const threads of [1, 2, 3, 2]) {
      const info = await setupBackend({ prefer: ["wasm"], threads });
      expect(info).toMatchObject({ name: "wasm", threads, simd: true, skipped: [] });
      results.push(gradients());
    }
    expect(results[3]).toEqual(results[1]);
    const largest = Math.max(...results[0]!.map(Math.abs));
    for (const other of results.slice(1))
      other.forEach((value, i) => expect(Math.abs(value - results[0]![i]!)).toBeLessThan(1e-4 * largest));
  });

  it("returns the running backend when asked again", async () => {
    expect(await setupBackend({ threads: 2 })).toBe(await setupBackend({ threads: 2 }));
  });

  it("keeps tensors alive when the number of threads changes", async () => {
    await setupBackend({ prefer: ["wasm"], threads: 2 });
    const x = tf.tensor1d([1, 2, 3]);
    expect(await setupBackend({ prefer: ["wasm"], threads: 1 })).toMatchObject({ threads: 1 });
    expect([...x.dataSync()]).toEqual([1, 2, 3]);
    x.dispose();
  });

  it("lets calls at the same time take turns", async () => {
    const [first, second] = await Promise.all([setupBackend({ threads: 1 }), setupBackend({ threads: 2 })]);
    expect([first!.threads, second!.threads]).toEqual([1, 2]);
    expect(tf.getBackend()).toBe("wasm");
  });

  it("goes on with the backend in use when the wanted one fails", async () => {
    const before = await setupBackend({ prefer: ["wasm"], threads: 2 });
    tf.registerBackend("broken", () => {
      throw new Error("no such device");
    });
    await expect(setupBackend({ prefer: ["broken"] })).rejects.toThrow(BackendError);
    expect(tf.getBackend()).toBe("wasm");
    expect(await setupBackend({ prefer: ["wasm"], threads: 2 })).toBe(before);
    expect(gradients().every(Number.isFinite)).toBe(true);
    tf.removeBackend("broken");
  });

  it("leaves nothing behind in the process", async () => {
    const listeners = ["uncaughtException", "unhandledRejection"].map((event) => process.listenerCount(event));
    await setupBackend({ prefer: ["wasm"], threads: 2 });
    expect(["uncaughtException", "unhandledRejection"].map((event) => process.listenerCount(event))).toEqual(listeners);
  });

  it("uses 256-bit registers where asked to and possible, with the same bits, and otherwise says why not", async () => {
    const usual = await setupBackend({ prefer: ["wasm"], threads: 2, wideRegisters: false });
    expect(usual).not.toHaveProperty("wideRegisters");
    const expected = gradients();
    process.env.ACR_WIDE_REGISTERS = "1";
    try {
      const info = await setupBackend({ prefer: ["wasm"], threads: 2 });
      expect(info.description).toMatch(
        info.wideRegisters
          ? /, relaxed SIMD, 256 bits$/
          : /, no 256 bits: (needs Node >= 24, this is|.*Node >= 24 on an x64)/,
      );
      if (Number.parseInt(process.versions.node, 10) < 24) expect(info.wideRegisters).toBe(false);
      expect(gradients()).toEqual(expected);
      expect(await setupBackend({ prefer: ["wasm"], threads: 2, wideRegisters: true })).toBe(info);
    } finally {
      delete process.env.ACR_WIDE_REGISTERS;
    }
    process.env.ACR_WIDE_REGISTERS = "yes";
    try {
      await expect(setupBackend({ prefer: ["wasm"], threads: 2 })).rejects.toThrow(
        'the environment variable ACR_WIDE_REGISTERS must be 1 or 0; got "yes"',
      );
    } finally {
      delete process.env.ACR_WIDE_REGISTERS;
    }
    await expect(setupBackend({ prefer: ["cpu"], wideRegisters: true })).rejects.toThrow(
      "wideRegisters needs the wasm backend; got prefer cpu. Leave one of them out.",
    );
    expect(await setupBackend({ prefer: ["wasm"], threads: 2 })).toEqual(usual);
    await expect(setupBackend({ wideRegisters: "yes" as never })).rejects.toThrow(
      'wideRegisters must be true or false; got "yes"',
    );
  });

  it("refuses unknown backends and thread counts that make no sense", async () => {
    await expect(setupBackend({ prefer: ["wsam"] })).rejects.toThrow('unknown backend "wsam"; did you mean wasm?');
    await expect(setupBackend({ prefer: [] })).rejects.toThrow("prefer must name a backend");
    for (const threads of [0, 1000, 1.5])
      await expect(setupBackend({ threads })).rejects.toThrow(
        `threads must be an integer from 1 to 64; got ${threads}`,
      );
    await expect(setupBackend({ threads: 0 })).rejects.toBeInstanceOf(BackendError);
    await expect(setupBackend({ threads: "2" as never })).rejects.toThrow('from 1 to 64; got "2".');
    await expect(setupBackend({ threads: Number.NaN })).rejects.toThrow("from 1 to 64; got NaN.");
    await expect(setupBackend({ treads: 1 } as never)).rejects.toThrow(
      'unknown option "treads". Did you mean threads?',
    );
  });

  it("falls back to cpu and says why where threads find no SIMD; wasm alone is refused and the backend in use goes on", async () => {
    const before = await setupBackend({ prefer: ["wasm"], threads: 2 });
    const x = tf.tensor1d([1, 2, 3]);
    const validate = jest.spyOn(WebAssembly, "validate").mockReturnValue(false);
    try {
      expect(await setupBackend({ threads: 1, gpu: -1 })).toMatchObject({
        name: "cpu",
        skipped: [{ name: "wasm", reason: expect.stringContaining("no WebAssembly SIMD") }],
      });
      await expect(setupBackend({ prefer: ["wasm"], threads: 2 })).rejects.toThrow("no WebAssembly SIMD");
      expect(tf.getBackend()).toBe("cpu");
    } finally {
      validate.mockRestore();
    }
    expect(await setupBackend({ prefer: ["wasm"], threads: 2 })).toEqual(before);
    expect([...x.dataSync()]).toEqual([1, 2, 3]);
    x.dispose();
  });

  it("refuses a Node that is too old by its version", async () => {
    const versions = Object.getOwnPropertyDescriptor(process, "versions")!;
    Object.defineProperty(process, "versions", { ...versions, value: { ...process.versions, node: "18.20.4" } });
    try {
      await expect(setupBackend()).rejects.toThrow("Node 18.20.4 is too old; expected Node >= 20");
      await expect(setupBackend()).rejects.toBeInstanceOf(BackendError);
    } finally {
      Object.defineProperty(process, "versions", versions);
    }
  });

  it("says how to install tensorflow, keeps the backend in use, and refuses a GPU that is none", async () => {
    process.env.ACR_TENSORFLOW_DIR = "no-such-folder";
    await setupBackend({ prefer: ["wasm"], threads: 1 });
    const { name, skipped } = await setupBackend({ prefer: ["tensorflow", "wasm"], threads: 1 });
    expect(name).toBe("wasm");
    expect(skipped[0]!.reason).toContain("tensorflow is not installed. Run acr backend install tensorflow");
    await expect(setupBackend({ prefer: ["tensorflow"] })).rejects.toThrow(BackendError);
    expect(tf.getBackend()).toBe("wasm");
    // A GPU that was asked for is never passed over silently.
    await expect(setupBackend({ gpu: 0 })).rejects.toThrow("tensorflow is not installed");
    await expect(setupBackend({ gpu: 0, prefer: ["wasm"] })).rejects.toThrow(
      "gpu needs the tensorflow or the webgpu backend",
    );
    process.env.ACR_GPU = "0";
    await expect(setupBackend({ threads: 1 })).rejects.toThrow("tensorflow is not installed");
    for (const text of ["x", " ", "1.5", "-2"]) {
      process.env.ACR_GPU = text;
      await expect(setupBackend()).rejects.toThrow(
        `the environment variable ACR_GPU must be an integer >= -1; got "${text}". nvidia-smi -L lists them.`,
      );
    }
    delete process.env.ACR_GPU;
    await expect(setupBackend({ gpu: "0" as never })).rejects.toThrow('gpu must be an integer >= -1; got "0".');
    await expect(setupBackend({ gpu: 1.5 })).rejects.toThrow("gpu must be an integer >= -1; got 1.5");
  });

  it("tries an installed tfjs-node-gpu first, and says why it does not start", async () => {
    process.env.ACR_TENSORFLOW_DIR = "no-such-folder";
    const dir = mkdtempSync(join(tmpdir(), "acr gpu "));
    const folder = join(dir, "node_modules", "@tensorflow", "tfjs-node-gpu");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), '{ "name": "@tensorflow/tfjs-node-gpu", "main": "index.js" }');
    writeFileSync(join(folder, "index.js"), 'throw new Error("libcudart is gone")');
    const cwd = jest.spyOn(process, "cwd").mockReturnValue(dir);
    try {
      const { name, skipped } = await setupBackend({ threads: 1 });
      expect([name, ...skipped.map(({ name }) => name)]).toEqual(["wasm", "tensorflow", "webgpu"]);
      expect(skipped[0]!.reason).toContain("tensorflow does not start (@tensorflow/tfjs-node-gpu: libcudart is gone)");
    } finally {
      cwd.mockRestore();
      rmSync(dir, { recursive: true });
    }
  });

  it("says so where what was installed is damaged", async () => {
    const dir = mkdtempSync(join(tmpdir(), "acr damaged "));
    process.env.ACR_TENSORFLOW_DIR = dir;
    writeFileSync(join(dir, "install.json"), '{ "formatVersion": ');
    await expect(setupBackend({ prefer: ["tensorflow"] })).rejects.toThrow(
      /install.json is damaged or of another version/,
    );
    writeFileSync(join(dir, "install.json"), '{ "formatVersion": 1, "cuda": true }');
    writeFileSync(join(dir, "engine.cjs"), 'throw new Error("libcuda is gone")');
    await expect(setupBackend({ prefer: ["tensorflow"] })).rejects.toThrow(
      /does not start: libcuda is gone.*install tensorflow again/,
    );
    // A CUDA installation is tried first, and passed over with its reason.
    const { name, skipped } = await setupBackend({ threads: 1 });
    expect([name, skipped.map(({ name }) => name)]).toEqual(["wasm", ["tensorflow", "webgpu"]]);
    rmSync(dir, { recursive: true });
  });
});
