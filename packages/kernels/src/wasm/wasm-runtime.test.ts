import "@tensorflow/tfjs-backend-wasm";
import { BackendError } from "@acr/core";
import * as tf from "@tensorflow/tfjs-core";
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

  it("refuses memory in the middle of a gradient, and the next step has the right gradient", async () => {
    const { wasm } = backend();
    const x = tf.randomUniform([2, 9, 9, 8], -1, 1, "float32", 1) as tf.Tensor4D;
    const filter = tf.variable(tf.randomUniform([3, 3, 8, 8], -1, 1, "float32", 2)) as tf.Variable<tf.Rank.R4>;
    const step = () =>
      tf.tidy(() => {
        const { grads } = tf.variableGrads(() => tf.sum(tf.square(tf.conv2d(x, filter, 1, "same"))) as tf.Scalar);
        return Float32Array.from(grads[filter.name]!.dataSync());
      });
    const expected = step();
    const { numTensors: tensors, numDataBuffers: buffers } = tf.memory();
    const allocate = wasm._malloc;
    let allocations = 0;
    wasm._malloc = (bytes) => {
      allocations++;
      return allocate(bytes);
    };
    step();
    // Each allocation of a step is refused once: below the guard malloc returns 0, as where the memory cannot grow.
    for (let refused = 1; refused <= allocations; refused++) {
      let count = 0;
      wasm._malloc = (bytes) => allocate(++count === refused ? 2 ** 32 - 2 ** 16 : bytes);
      expect(step).toThrow("wasm: out of memory");
      // What the failed gradient had saved is released when its call is over.
      await Promise.resolve();
      expect(tf.memory()).toMatchObject({ numTensors: tensors, numDataBuffers: buffers });
    }
    wasm._malloc = allocate;
    expect(allocations).toBeGreaterThan(3);
    expect(step()).toEqual(expected);
    tf.dispose([x, filter]);
  });
});

it("registerTrainingKernels() names a runtime without SIMD and registers nothing", async () => {
  await tf.setBackend("wasm");
  const validate = jest.spyOn(WebAssembly, "validate").mockReturnValue(false);
  await expect(registerTrainingKernels()).rejects.toThrow("this runtime has no WebAssembly SIMD");
  validate.mockRestore();
  expect(tf.getKernel("Conv2DBackpropFilter", "wasm")).toBeUndefined();
});

it("registerTrainingKernels({ relaxedSimd: false }) takes the plain SIMD build", async () => {
  await tf.setBackend("wasm");
  const kernels = await registerTrainingKernels({ relaxedSimd: false });
  expect(kernels.variant).toBe("simd");
  await kernels.undo();
});
