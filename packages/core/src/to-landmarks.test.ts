import "@tensorflow/tfjs-backend-cpu";
import { expectNoTensorLeak } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import { ShapeError, toFlat, toLandmarks } from "./index.js";

beforeAll(() => tf.setBackend("cpu"));

it("toLandmarks(numbers) pairs, toFlat(pairs) undoes it", () => {
  const flat = [1, 2, 3, 4, 5, 6];
  expect(toLandmarks(flat)).toEqual([
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
  expect([...toFlat(toLandmarks(Float32Array.from(flat)))]).toEqual(flat);
});

it("toLandmarks([B, 2K]) is [B, K, 2], toFlat undoes it, and each passes its own result through", async () => {
  await expectNoTensorLeak(() =>
    tf.tidy(() => {
      const flat = tf.tensor2d([
        [1, 2, 3, 4],
        [5, 6, 7, 8],
      ]);
      const landmarks = toLandmarks(flat);
      expect(landmarks.shape).toEqual([2, 2, 2]);
      expect(landmarks.arraySync()[1]).toEqual([
        [5, 6],
        [7, 8],
      ]);
      expect(toLandmarks(landmarks).shape).toEqual([2, 2, 2]);
      expect(toFlat(landmarks).arraySync()).toEqual(flat.arraySync());
      expect(toFlat(flat).shape).toEqual([2, 4]);
    }),
  );
});

it("refuses odd lengths, other ranks and points without two coordinates", () => {
  expect(() => toLandmarks([1, 2, 3])).toThrow("toLandmarks: flat must hold 2K numbers; got 3.");
  expect(() => toFlat([[1, 2], [3]])).toThrow("toFlat: point 1 must have 2 coordinates; got 1.");
  tf.tidy(() => {
    expect(() => toLandmarks(tf.zeros([2, 5]))).toThrow(ShapeError);
    expect(() => toLandmarks(tf.zeros([2, 4, 3]))).toThrow("toLandmarks: flat must be [B, 2K]; got [2, 4, 3].");
    expect(() => toFlat(tf.zeros([4]))).toThrow("toFlat: landmarks must be [B, K, 2]; got [4].");
    expect(() => toFlat(tf.zeros([2, 4, 3]))).toThrow("toFlat: landmarks must be [B, K, 2]; got [2, 4, 3].");
  });
});
