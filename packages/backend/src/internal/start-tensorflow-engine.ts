import { BackendError } from "@acr/core";
import { registerTrainingKernels } from "@acr/kernels";
import { backend, version_core } from "@tensorflow/tfjs-core";
import { activateBackend } from "./activate-backend.js";
import { NO_GPU, type Started, type Wishes } from "./engine-start.js";

/** What is read of tfjs-node's backend. */
interface TensorFlowBackend {
  isUsingGpuDevice?: boolean;
  binding?: { TF_Version?: string };
}

/** What TensorFlow was started with; it reads these once. */
let tensorFlowStart: { threads: number; gpu: number | undefined } | undefined;

/** `tensorflow`: what `installTensorFlow` made, or an installed tfjs-node; a GPU that was asked for must be there. */
export async function startTensorFlowEngine({ threads, gpu, isDefault }: Wishes): Promise<Started> {
  const { startTensorFlow } = await import("./start-tensorflow.js");
  if (tensorFlowStart && gpu !== undefined && gpu !== tensorFlowStart.gpu) {
    throw new BackendError(
      `tensorflow keeps the GPU it was started with (${tensorFlowStart.gpu ?? "all of them"}); got ${gpu}. Start a new process for another one.`,
    );
  }
  // Asked before TensorFlow takes what it wants.
  const { gpuMemory } = await import("./gpu-memory.js");
  const gpuMemoryBytes = gpu === NO_GPU ? undefined : await gpuMemory({ index: gpu });
  await startTensorFlow({ threads, gpu });
  tensorFlowStart ??= { threads, gpu };
  const { threads: ownThreads } = tensorFlowStart;
  await activateBackend("tensorflow");
  const { isUsingGpuDevice = false, binding } = backend() as unknown as TensorFlowBackend;
  if (!isUsingGpuDevice && (isDefault || (gpu !== undefined && gpu >= 0))) {
    throw new BackendError(
      `tensorflow sees no GPU${gpu === undefined ? "" : ` ${gpu}`} here. Look at nvidia-smi -L and run acr backend install tensorflow --cuda; without a GPU leave out gpu.`,
    );
  }
  const kernels = await registerTrainingKernels();
  const version = binding?.TF_Version ?? "of unknown version";
  const device = isUsingGpuDevice ? "GPU" : `CPU, ${ownThreads} thread${ownThreads === 1 ? "" : "s"}`;
  return {
    info: {
      name: "tensorflow",
      threads: ownThreads,
      gpu: isUsingGpuDevice,
      ...(isUsingGpuDevice && gpuMemoryBytes !== undefined && { gpuMemoryBytes }),
      simd: true,
      relaxedSimd: false,
      version: version_core,
      description: `tensorflow ${version}, ${device}`,
    },
    kernels,
  };
}
