import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { applyPixelChanges, createRandom, packPixelChanges, ShapeError } from "@acr/core";
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

  it("makes the changes on the way, to the last bit, and leaks nothing", async () => {
    const random = createRandom(5);
    const bytes = (length: number) => Uint8Array.from({ length }, () => random.integer(256));
    const block = { left: 1, top: 0, right: 6, bottom: 3, color: [200, 0, 31] as const };
    const all = [{}, { levels: bytes(768) }, { grey: true }, { block }, { levels: bytes(768), grey: true, block }];
    for (const chosen of [all, all.slice(0, 2), all.slice(2, 3), all.slice(3, 4)]) {
      const shape: [number, number, number, number] = [chosen.length, 4, 7, 3];
      const pixels = bytes(chosen.length * 84);
      const changes = packPixelChanges(chosen);
      const expected = Uint8Array.from(pixels);
      applyPixelChanges(expected, changes, { width: 7, height: 4 });
      await expectNoTensorLeak(() => {
        const before = [...pixels];
        const x = pixelsToTensor(pixels, shape, { changes });
        expect([x.dtype, x.shape]).toEqual(["float32", shape]);
        expect([...x.dataSync()]).toEqual([...expected]);
        expect([...pixels]).toEqual(before);
        x.dispose();
      });
    }
  });

  it("holds at most five maps while it makes the changes", async () => {
    const shape: [number, number, number, number] = [2, 32, 32, 3];
    const block = { left: 1, top: 0, right: 6, bottom: 3, color: [200, 0, 31] as const };
    const changes = packPixelChanges([{ levels: new Uint8Array(768), grey: true, block }, {}]);
    const pixels = new Uint8Array(2 * 32 * 32 * 3);
    const before = tf.memory().numBytes;
    const { peakBytes, newBytes, result } = await tf.profile(() => pixelsToTensor(pixels, shape, { changes }));
    expect(newBytes).toBe(4 * pixels.length);
    expect(peakBytes - before).toBeLessThan(5 * newBytes);
    tf.dispose(result);
  });

  it("refuses changes of another number, or of other than three channels", () => {
    const changes = packPixelChanges([{ grey: true }]);
    expect(() => pixelsToTensor(new Uint8Array(96), [2, 4, 4, 3], { changes })).toThrow(ShapeError);
    expect(() => pixelsToTensor(new Uint8Array(64), [1, 4, 4, 4], { changes })).toThrow("got 784 bytes for [1,4,4,4]");
    expect(() => pixelsToTensor(new Uint8Array(48), [1, 4, 4, 3], { change: changes } as never)).toThrow(
      'unknown option "change". Did you mean changes?',
    );
  });

  it("takes an empty batch, and refuses another number of values", () => {
    const empty = pixelsToTensor(new Uint8Array(0), [0, 4, 4, 3]);
    expect(empty.shape).toEqual([0, 4, 4, 3]);
    empty.dispose();
    expect(() => pixelsToTensor(new Uint8Array(47), [1, 4, 4, 3])).toThrow(ShapeError);
    expect(() => pixelsToTensor(new Uint8Array(47), [1, 4, 4, 3])).toThrow("[1,4,4,3], 48 values; got 47");
  });
});
