import { setupBackend } from "@acr/backend";
import { memory } from "@tensorflow/tfjs-core";
import { benchmarkStep } from "./index.js";

const OPTIONS = { backbone: "mobilenet_v2_035", imageSize: 32, batchSize: 2, steps: 2 };
beforeAll(() => setupBackend({ prefer: ["wasm"], threads: 1 }));

it("benchmarkStep times the parts of a step, which make up the whole, and leaves no tensor", async () => {
  const before = memory().numTensors;
  const result = await benchmarkStep({ ...OPTIONS, mode: "train" });
  expect(result).toMatchObject({ ...OPTIONS, mode: "train" });
  const { forward, backward, optimizer, millisecondsPerImage } = result;
  for (const part of [forward, backward, optimizer]) expect(part).toBeGreaterThan(0);
  // With two steps medians are means, so the parts add up.
  expect(forward + backward + optimizer).toBeCloseTo(millisecondsPerImage, 6);
  expect(memory().numTensors).toBe(before);
});

it("benchmarkStep in the mode infer has a forward pass alone", async () => {
  const result = await benchmarkStep({ ...OPTIONS, mode: "infer" });
  expect(result.backward).toBe(0);
  expect(result.forward).toBeGreaterThan(0);
});
