import type { BackendInfo } from "@acr/backend";
import { isOnGpu } from "./internal/is-on-gpu.js";
import type { TrainingMemoryOptions } from "./training-memory.js";

/**
 * Beside the result, where most live: the map before, the difference that a mask chooses, its product, and a third for the mask or the grey;
 * see `changedPixels` of @acr/kernels. WebGPU's program needs none.
 */
const TENSORFLOW_CHANGE_MAPS = 4;

/**
 * What `trainingMemory` must know of a backend: the memory that counts, the largest tensor, and whether a batch waits there.
 *
 * @param backend - of `setupBackend`.
 * @param options.pixelsOnDevice - as of `train`. Default: where a graphics processor or webgpu trains.
 * @returns `gpuMemoryBytes` is `null` for a graphics processor that does not tell: the machine's own memory says nothing of it.
 * @example trainingMemory(model, { batchSize: 64, ...trainingLimits(await setupBackend()) });
 */
export function trainingLimits(
  backend: Pick<BackendInfo, "name" | "gpu" | "gpuMemoryBytes" | "largestTensorBytes">,
  { pixelsOnDevice = isOnGpu(backend) }: { pixelsOnDevice?: boolean } = {},
): Omit<TrainingMemoryOptions, "batchSize"> {
  const { name, gpu, gpuMemoryBytes, largestTensorBytes } = backend;
  return {
    backend: name,
    gpuMemoryBytes: gpuMemoryBytes ?? (gpu === true ? null : undefined),
    largestTensorBytes,
    batchesAhead: pixelsOnDevice ? 1 : 0,
    changeMaps: pixelsOnDevice && name === "tensorflow" ? TENSORFLOW_CHANGE_MAPS : 0,
  };
}
