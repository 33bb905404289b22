import "@tensorflow/tfjs-backend-cpu";
import { createLandmarkModel, summary } from "@acr/backbones";
import * as tf from "@tensorflow/tfjs-core";
import { trainingMemory } from "./training-memory.js";

test("trainingMemory(model, options) finds the largest batch that fits, on both sides of the limit", async () => {
  await tf.setBackend("cpu");
  const model = createLandmarkModel({ backbone: "pfld_050", landmarkCount: 68, imageSize: 112 });
  const { neededBytes, availableBytes, largestBatch } = trainingMemory(model, { batchSize: 16, backend: "wasm" });
  expect(neededBytes).toBe(summary(model, { batchSize: 16 }).trainingBytes);
  expect(availableBytes).toBeLessThanOrEqual(2 ** 32);
  expect(largestBatch).toBeGreaterThan(16);
  const free = jest.spyOn(process, "availableMemory").mockReturnValue(neededBytes);
  expect(trainingMemory(model, { batchSize: 16, backend: "cpu" })).toEqual({
    neededBytes,
    availableBytes: neededBytes,
    largestBatch: 16,
  });
  free.mockReturnValue(neededBytes - 1);
  expect(trainingMemory(model, { batchSize: 16, backend: "wasm" }).largestBatch).toBe(15);
  free.mockReturnValue(1);
  expect(trainingMemory(model, { batchSize: 16, backend: "wasm" }).largestBatch).toBe(0);
  free.mockRestore();
  // A graphics processor's own memory counts alone, and no map may be larger than its buffers.
  const onGpu = { batchSize: 16, backend: "tensorflow", gpuMemoryBytes: neededBytes };
  expect(trainingMemory(model, onGpu)).toEqual({ neededBytes, availableBytes: neededBytes, largestBatch: 16 });
  const largestMap = Math.max(
    ...model.layers.map(({ outputShape }) => (outputShape as number[]).slice(1).reduce((all, side) => all * side, 4)),
  );
  const onWebGpu = { batchSize: 16, backend: "webgpu", largestTensorBytes: 5 * largestMap };
  expect(trainingMemory(model, onWebGpu).largestBatch).toBe(5);
  expect(trainingMemory(model, { ...onWebGpu, largestTensorBytes: 5 * largestMap - 1 }).largestBatch).toBe(4);
  // Pictures of a batch that waits on the device count too.
  const ahead = trainingMemory(model, { ...onGpu, batchesAhead: 1 });
  expect(ahead.neededBytes - neededBytes).toBe(16 * 112 * 112 * 3 * 4);
  expect(ahead.largestBatch).toBe(15);
  expect(trainingMemory(model, { ...onGpu, gpuMemoryBytes: ahead.neededBytes, batchesAhead: 1 }).largestBatch).toBe(16);
  // So do the maps of a change of its pixels.
  const changed = trainingMemory(model, { ...onGpu, batchesAhead: 1, changeMaps: 11 });
  expect(changed.neededBytes - ahead.neededBytes).toBe(16 * 112 * 112 * 3 * 4 * 11);
  // A graphics processor that tells nothing limits nothing, but for the largest tensor; both survive JSON.
  const untold = { ...onGpu, gpuMemoryBytes: null };
  expect(JSON.parse(JSON.stringify(trainingMemory(model, untold)))).toEqual({
    neededBytes,
    availableBytes: null,
    largestBatch: null,
  });
  expect(trainingMemory(model, { ...untold, largestTensorBytes: 5 * largestMap })).toMatchObject({
    availableBytes: null,
    largestBatch: 5,
  });
  model.dispose();
});
