import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { expectNoTensorLeak } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import { registerTrainingKernels, type TrainingKernels } from "../register-training-kernels.js";

describe("kernels whose input comes from another backend, for which the memory grows", () => {
  let kernels: TrainingKernels;
  beforeAll(async () => {
    await tf.setBackend("wasm");
    kernels = await registerTrainingKernels();
  });
  afterAll(() => kernels.undo());

  /** Each is larger than what the memory has grown by for the one before. */
  it.each<[string, number, (x: tf.Tensor) => tf.Tensor, number[]]>([
    ["isNaN", 2 ** 4, (x) => tf.sum(tf.cast(tf.isNaN(x), "int32")), [2 ** 24]],
    ["slice", 24, (x) => tf.slice(x, [1, 5], [1, 2]), [NaN, NaN]],
    ["unsortedSegmentSum", 48, (x) => tf.slice(tf.unsortedSegmentSum(x, segments(48), 2), [1, 0], [1, 2]), [NaN, NaN]],
  ])("%s", async (_, rows, run, expected) => {
    await expectNoTensorLeak(async () => {
      await tf.setBackend("cpu");
      const x = tf.fill([rows, 2 ** 20], Number.NaN);
      await tf.setBackend("wasm");
      const y = tf.tidy(() => run(x));
      expect([...y.dataSync()]).toEqual(expected);
      tf.dispose([x, y]);
    });
  });
});

it("sums of nothing are 0, whatever the memory held before", async () => {
  await tf.setBackend("wasm");
  const kernels = await registerTrainingKernels();
  for (const dtype of ["float32", "int32"] as const) {
    for (const axis of [0, undefined]) {
      const empty = tf.zeros([0, 4], dtype);
      // What they hold is free again when the sum asks for memory.
      tf.dispose(Array.from({ length: 8 }, () => tf.fill([4], 7, dtype)));
      const sum = tf.sum(empty, axis);
      expect([sum.dtype, ...sum.dataSync()]).toEqual([dtype, ...(axis === 0 ? [0, 0, 0, 0] : [0])]);
      tf.dispose([empty, sum]);
    }
  }
  await kernels.undo();
});

const segments = (rows: number) => tf.cast(tf.ones([rows]), "int32") as tf.Tensor1D;
