import { BackendError } from "@acr/core";
import { registerTrainingKernels, type TrainingKernels } from "@acr/kernels";
import { engine, registerBackend, removeBackend, version_core } from "@tensorflow/tfjs-core";
import { activateBackend } from "./activate-backend.js";
import type { Started, Wishes } from "./engine-start.js";

/** `webgpu`, on a new device where the old one was lost. */
export async function startWebGpuEngine({ gpu, isDefault }: Wishes): Promise<Started> {
  const { startWebGpu } = await import("./start-web-gpu.js");
  const adapter = await startWebGpu({ gpu, isDefault: isDefault && gpu === undefined });
  let kernels = await activateWebGpu();
  if (kernels.failure !== undefined) {
    await kernels.undo();
    forgetBackend("webgpu");
    kernels = await activateWebGpu();
    if (kernels.failure !== undefined) {
      await kernels.undo();
      throw new BackendError(`${kernels.failure}, and a new one too. Start a new process or page.`);
    }
  }
  return {
    info: {
      name: "webgpu",
      threads: 1,
      gpu: !adapter.isSoftware,
      ...(adapter.largestTensorBytes !== undefined && { largestTensorBytes: adapter.largestTensorBytes }),
      simd: false,
      relaxedSimd: false,
      version: version_core,
      description: `webgpu, ${adapter.name}${adapter.isSoftware ? " (a software driver, slow)" : ""}`,
    },
    kernels,
  };
}

async function activateWebGpu(): Promise<TrainingKernels> {
  await activateBackend("webgpu");
  const kernels = await registerTrainingKernels();
  // A device that was lost earlier says so at once.
  await Promise.resolve();
  return kernels;
}

/** Drops a backend whose device was lost, with what it held, so that the next start asks for a new device. */
function forgetBackend(name: string): void {
  const { factory, priority } = engine().registryFactory[name]!;
  removeBackend(name);
  registerBackend(name, factory, priority);
}

/** Ends webgpu with its device, once another backend is in use: Dawn does not let a program end while there is a device. */
export function endWebGpu(): void {
  const { device } = engine().registry.webgpu as unknown as { device: { destroy(): void } };
  forgetBackend("webgpu");
  device.destroy();
}
