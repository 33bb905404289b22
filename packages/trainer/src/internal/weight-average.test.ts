import { memory, setBackend, tensor1d, tidy, variable } from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { WeightAverage } from "./weight-average.js";

beforeAll(() => setBackend("cpu"));

it("WeightAverage follows a ← d·a + (1 − d)·w with a warm start, in float64 by hand", async () => {
  const before = memory().numTensors;
  const weights = tidy(() => variable(tensor1d([1, -2])));
  const average = new WeightAverage(new Map([["w", weights]]), 0.6);
  const expected = [1, -2];
  for (let step = 0; step < 12; step++) {
    const next = [Math.sin(step), step / 3];
    tidy(() => weights.assign(tensor1d(next)));
    average.update(step);
    // Both sides of the switch: (1 + t) / (10 + t) passes 0.6 between steps 12 and 13; 0.1 at step 0.
    const d = Math.min(0.6, (1 + step) / (10 + step));
    expected.forEach((value, i) => {
      expected[i] = d * value + (1 - d) * next[i]!;
    });
  }
  for (let step = 12; step < 16; step++) {
    average.update(step);
    const d = Math.min(0.6, (1 + step) / (10 + step));
    expected.forEach((value, i) => {
      expected[i] = d * value + (1 - d) * [Math.sin(11), 11 / 3][i]!;
    });
  }
  const close = (values: ArrayLike<number>) =>
    expected.forEach((value, i) => {
      expect(values[i]).toBeCloseTo(value, 5);
    });
  close(average.getState().w!);
  await average.swapped(async () => close(weights.dataSync()));
  expect(weights.dataSync()[1]).toBeCloseTo(11 / 3, 6);
  await expect(
    average.swapped(async () => {
      throw new Error("stop");
    }),
  ).rejects.toThrow("stop");
  expect(weights.dataSync()[1]).toBeCloseTo(11 / 3, 6);

  const copy = new WeightAverage(new Map([["w", weights]]), 0.6);
  copy.setState(average.getState());
  copy.update(16);
  average.update(16);
  expect(copy.getState()).toEqual(average.getState());
  for (const one of [average, copy]) one.dispose();
  weights.dispose();
  expect(memory().numTensors).toBe(before);
});
