import type { BackendInfo } from "@acr/backend";
import { isOnGpu } from "./internal/is-on-gpu.js";
import type { TrainingMemoryOptions } from "./training-memory.js";

/**
 * What `trainingMemory` must know of a backend: the memory that counts, the largest tensor, and whether a batch waits there.
 *
 * @param backend - of `setupBackend`.
 * @returns `gpuMemoryBytes` is `Number.MAX_SAFE_INTEGER` for a graphics processor that does not tell: the machine's own
 *   memory says nothing of it.
 * @example trainingMemory(model, { batchSize: 64, ...trainingLimits(await setupBackend()) });
 */
export function trainingLimits(
  backend: Pick<BackendInfo, "name" | "gpu" | "gpuMemoryBytes" | "largestTensorBytes">,
): Omit<TrainingMemoryOptions, "batchSize"> {
  const { name, gpu, gpuMemoryBytes, largestTensorBytes } = backend;
  return {
    backend: name,
    gpuMemoryBytes: gpuMemoryBytes ?? (gpu === true ? Number.MAX_SAFE_INTEGER : undefined),
    largestTensorBytes,
    batchesAhead: isOnGpu(backend) ? 1 : 0,
  };
}
