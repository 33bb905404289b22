import { memory } from "@tensorflow/tfjs-core";

/** Runs `run` and fails when the number of live tensors changed. Dispose results inside `run`. */
export async function expectNoTensorLeak(run: () => unknown): Promise<void> {
  const before = memory().numTensors;
  await run();
  expect(memory().numTensors).toBe(before);
}
