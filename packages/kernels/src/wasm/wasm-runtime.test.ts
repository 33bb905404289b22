import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import "@tensorflow/tfjs-backend-wasm";
import { BackendError } from "@acr/core";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { FusedAdam } from "../fused-adam.js";
import { fusedDescentStep } from "../fused-descent-step.js";
import { optimizeForTraining } from "../optimize-for-training.js";
import { registerTrainingKernels, type TrainingKernels } from "../register-training-kernels.js";
import type { WasmBackend } from "./wasm-runtime.js";

/** More than a 32-bit memory has left, in one tensor: half of it is held by another. */
const HALF: [number, number] = [2 ** 10, 2 ** 19];

describe("memory of the wasm backend under registerTrainingKernels()", () => {
  let kernels: TrainingKernels;
  let held: tf.TensorInfo;
  const backend = () => tf.backend() as unknown as WasmBackend;

  beforeAll(async () => {
    await tf.setBackend("wasm");
    kernels = await registerTrainingKernels();
    // Grows the address space, touches nothing.
    held = backend().makeOutput(HALF, "float32");
  });

  afterAll(async () => {
    backend().disposeData(held.dataId);
    await kernels.undo();
  });

  it("refuses more bytes than an address can name, in place of a block of what is left modulo 2^32", () => {
    const before = tf.memory().numTensors;
    expect(() => backend().wasm._malloc(2 ** 32 + 8)).toThrow(BackendError);
    const tile = () => tf.tidy(() => tf.tile(tf.ones([1, 2 ** 15 + 8]), [2 ** 15, 1]));
    expect(tile).toThrow("wasm: out of memory (4097 MB refused)");
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each<[string, () => tf.Tensor]>([
    [
      "a kernel of this package",
      () => tf.conv2d(tf.ones<tf.Rank.R4>([1, 1024, 512, 4]), tf.ones<tf.Rank.R4>([1, 1, 4, 1024]), 1, "same"),
    ],
    ["a kernel of tfjs", () => tf.tile(tf.ones([1, 2 ** 19]), [2 ** 10, 1])],
  ])("refuses what cannot fit with a BackendError in %s, leaks nothing and goes on", (_, run) => {
    const before = tf.memory().numTensors;
    expect(() => tf.tidy(run)).toThrow(BackendError);
    expect(() => tf.tidy(run)).toThrow("wasm: out of memory (2048 MB refused)");
    expect(tf.memory().numTensors).toBe(before);
    expect([...tf.tidy(() => tf.add(tf.tensor1d([1, 2]), 1)).dataSync()]).toEqual([2, 3]);
  });

  /**
   * Refuses each allocation of a step once, as where the memory cannot grow, and expects that nothing is left of it.
   *
   * @returns how many allocations that were.
   */
  async function refuseEach(step: () => unknown): Promise<number> {
    const { wasm } = backend();
    const { numTensors, numDataBuffers } = tf.memory();
    const buffers = backend().numDataIds();
    const allocate = wasm._malloc;
    let allocations = 0;
    wasm._malloc = (bytes) => {
      allocations++;
      return allocate(bytes);
    };
    step();
    try {
      for (let refused = 1; refused <= allocations; refused++) {
        let count = 0;
        // Below the guard malloc returns 0.
        wasm._malloc = (bytes) => allocate(++count === refused ? 2 ** 32 - 2 ** 16 : bytes);
        expect(step).toThrow(BackendError);
        // What the failed gradient had saved is released when its call is over.
        await Promise.resolve();
        expect({ refused, ...tf.memory() }).toMatchObject({ refused, numTensors, numDataBuffers });
        expect({ refused, buffers: backend().numDataIds() }).toEqual({ refused, buffers });
      }
    } finally {
      wasm._malloc = allocate;
    }
    return allocations;
  }

  it("refuses memory in the middle of a gradient, and the next step has the right gradient", async () => {
    const x = tf.randomUniform([2, 9, 9, 8], -1, 1, "float32", 1) as tf.Tensor4D;
    const filter = tf.variable(tf.randomUniform([3, 3, 8, 8], -1, 1, "float32", 2)) as tf.Variable<tf.Rank.R4>;
    const step = () =>
      tf.tidy(() => {
        const { grads } = tf.variableGrads(() => tf.sum(tf.square(tf.conv2d(x, filter, 1, "same"))) as tf.Scalar);
        return Float32Array.from(grads[filter.name]!.dataSync());
      });
    const expected = step();
    expect(await refuseEach(step)).toBeGreaterThan(3);
    expect(step()).toEqual(expected);
    tf.dispose([x, filter]);
  });

  it("refuses memory anywhere in a step of fused units, and smaller and equal steps go on with the right gradients", async () => {
    const model = unitNet();
    const fused = optimizeForTraining(model);
    const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
    const step = (batch: number) =>
      tf.tidy(() => {
        const x = tf.randomUniform([batch, 9, 9, 3], -1, 1, "float32", 1);
        const { grads } = tf.variableGrads(
          () => tf.sum(tf.square(fused.apply(x, { training: true }) as tf.Tensor)) as tf.Scalar,
          variables,
        );
        return variables.map(({ name }) => Float32Array.from(grads[name]!.dataSync()));
      });
    const expected = [step(2), step(4)];
    expect(await refuseEach(() => step(4))).toBeGreaterThan(30);
    expect([step(2), step(4)]).toEqual(expected);
    model.dispose();
  });
});

/** Units of all kinds: a k × k convolution, a depthwise and a pointwise one, with a skip connection. */
function unitNet(): tfl.LayersModel {
  const { layers } = tfl;
  const kernelInitializer = tfl.initializers.glorotUniform({ seed: 1 });
  const through = (x: tfl.SymbolicTensor, ...chain: tfl.layers.Layer[]) =>
    chain.reduce((x, layer) => layer.apply(x) as tfl.SymbolicTensor, x);
  const conv = (filters: number, kernelSize: number) =>
    layers.conv2d({ filters, kernelSize, padding: "same", useBias: false, kernelInitializer });
  const depthwise = layers.depthwiseConv2d({
    kernelSize: 3,
    padding: "same",
    useBias: false,
    depthwiseInitializer: kernelInitializer,
  });
  const norm = () => layers.batchNormalization();
  const inputs = tfl.input({ shape: [9, 9, 3] });
  const stem = through(inputs, conv(8, 3), norm(), layers.reLU({ maxValue: 6 }));
  const x = through(stem, depthwise, norm(), layers.reLU({ maxValue: 6 }), conv(8, 1), norm());
  const sum = layers.add().apply([stem, x]) as tfl.SymbolicTensor;
  return tfl.model({ inputs, outputs: through(sum, layers.globalAveragePooling2d({})) });
}

it("registerTrainingKernels() called twice at once starts one set of kernels, which is gone after undo", async () => {
  await tf.setBackend("wasm");
  const before = tf.getKernel("Conv2D", "wasm");
  const compile = jest.spyOn(WebAssembly, "compile").mockRejectedValue(new Error("no"));
  const refused = [registerTrainingKernels(), registerTrainingKernels()];
  expect((await Promise.allSettled(refused)).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  compile.mockRestore();
  const [first, second] = await Promise.all([registerTrainingKernels(), registerTrainingKernels()]);
  expect(second).toBe(first);
  await Promise.all([first.undo(), second.undo()]);
  expect(tf.getKernel("Conv2D", "wasm")).toBe(before);
  expect(tf.getKernel("Conv2DBackpropFilter", "wasm")).toBeUndefined();
  const third = await registerTrainingKernels();
  expect(third).not.toBe(first);
  await third.undo();
});

it("registerTrainingKernels() is undone with its backend, and a backend started again gets kernels of its own", async () => {
  await tf.setBackend("wasm");
  const first = await registerTrainingKernels();
  const { factory, priority } = tf.engine().registryFactory.wasm!;
  tf.removeBackend("wasm");
  tf.registerBackend("wasm", factory, priority);
  await tf.setBackend("wasm");
  const product = () => [...tf.tidy(() => tf.matMul(tf.ones([1, 3]), tf.ones([3, 2]))).dataSync()];
  expect(product()).toEqual([3, 3]);
  const second = await registerTrainingKernels();
  await first.undo();
  expect(tf.getKernel("AcrConvUnit", "wasm")).toBeDefined();
  expect(product()).toEqual([3, 3]);
  await second.undo();
  expect(tf.getKernel("AcrConvUnit", "wasm")).toBeUndefined();
});

it("registerTrainingKernels() takes the scalar build where the runtime has no SIMD, and says so", async () => {
  await tf.setBackend("wasm");
  const validate = jest.spyOn(WebAssembly, "validate").mockReturnValue(false);
  const kernels = await registerTrainingKernels({ threads: 2 });
  validate.mockRestore();
  expect(kernels).toMatchObject({ variant: "scalar", threads: 1, failure: undefined });
  await kernels.undo();
  expect(tf.getKernel("Conv2DBackpropFilter", "wasm")).toBeUndefined();
});

it("registerTrainingKernels() registers nothing where the compiler refuses", async () => {
  await tf.setBackend("wasm");
  const compile = jest.spyOn(WebAssembly, "compile").mockRejectedValue(new Error("no code here"));
  await expect(registerTrainingKernels()).rejects.toThrow("no code here");
  compile.mockRestore();
  expect(tf.getKernel("Conv2DBackpropFilter", "wasm")).toBeUndefined();
});

it("registerTrainingKernels() remembers no data that optimizers replaced", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  await tf.setBackend("wasm");
  const kernels = await registerTrainingKernels();
  const adam = new FusedAdam();
  const weights = tf.variable(tf.ones([64]));
  const momentum = {};
  const step = () => {
    const { grads } = tf.variableGrads(() => tf.sum(tf.square(weights)), [weights]);
    adam.applyGradients(grads);
    fusedDescentStep(weights, grads[weights.name]!, { learningRate: 0.1, slots: momentum });
    return new WeakRef(weights.dataId);
  };
  tf.tidy(() => void step());
  const replaced = tf.tidy(() => step() as never) as WeakRef<object>;
  tf.tidy(() => void step());
  // A weak reference holds its object until the job that read it is over.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  expect(replaced.deref()).toBeUndefined();
  adam.dispose();
  weights.dispose();
  await kernels.undo();
});

it("registerTrainingKernels({ relaxedSimd: false }) takes the plain SIMD build", async () => {
  await tf.setBackend("wasm");
  const kernels = await registerTrainingKernels({ relaxedSimd: false });
  expect(kernels.variant).toBe("simd");
  await kernels.undo();
});
