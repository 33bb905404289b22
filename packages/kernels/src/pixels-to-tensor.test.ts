import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { ShapeError } from "@acr/core";
import { expectNoTensorLeak, tensorFlowEngine } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import { pixelsToTensor } from "./pixels-to-tensor.js";
import { registerTrainingKernels, type TrainingKernels } from "./register-training-kernels.js";

// On webgpu: register-webgpu-kernels.test.ts.
describe.each(["cpu", "wasm", ...tensorFlowEngine()])("pixelsToTensor(pixels, shape) on %s", (backend) => {
  let kernels: TrainingKernels;
  beforeAll(async () => {
    await tf.setBackend(backend);
    kernels = await registerTrainingKernels();
  });
  afterAll(() => kernels.undo());

  it("holds the bytes as floats, also of a part of a buffer, and leaks nothing", async () => {
    const all = Uint8Array.from({ length: 200 }, (_, i) => (i * 37) % 256);
    const part = all.subarray(5, 5 + 2 * 3 * 5 * 3);
    await expectNoTensorLeak(() => {
      for (const pixels of [part, new Uint8ClampedArray(part)]) {
        const x = pixelsToTensor(pixels, [2, 3, 5, 3]);
        expect([x.dtype, x.shape]).toEqual(["float32", [2, 3, 5, 3]]);
        expect([...x.dataSync()]).toEqual([...part]);
        x.dispose();
      }
    });
  });

  it("takes an empty batch, and refuses another number of values", () => {
    const empty = pixelsToTensor(new Uint8Array(0), [0, 4, 4, 3]);
    expect(empty.shape).toEqual([0, 4, 4, 3]);
    empty.dispose();
    expect(() => pixelsToTensor(new Uint8Array(47), [1, 4, 4, 3])).toThrow(ShapeError);
    expect(() => pixelsToTensor(new Uint8Array(47), [1, 4, 4, 3])).toThrow("[1,4,4,3], 48 values; got 47");
  });
});
