import { trainingLimits } from "./training-limits.js";

test("trainingLimits(backend) counts a graphics processor's own memory, and the batch that waits there", () => {
  const told = { name: "tensorflow", gpu: true, gpuMemoryBytes: 8e9 };
  expect(trainingLimits(told)).toMatchObject({
    backend: "tensorflow",
    gpuMemoryBytes: 8e9,
    batchesAhead: 1,
    changeMaps: 4,
  });
  expect(trainingLimits(told, { pixelsOnDevice: false })).toMatchObject({ batchesAhead: 0, changeMaps: 0 });
  const untold = { name: "webgpu", gpu: true, largestTensorBytes: 2e9 };
  expect(trainingLimits(untold)).toMatchObject({ gpuMemoryBytes: null, largestTensorBytes: 2e9, changeMaps: 0 });
  expect(trainingLimits({ name: "webgpu", gpu: false })).toMatchObject({ batchesAhead: 1 });
  const wasm = trainingLimits({ name: "wasm" });
  expect(wasm).toMatchObject({ backend: "wasm", batchesAhead: 0 });
  expect(wasm.gpuMemoryBytes).toBeUndefined();
});
