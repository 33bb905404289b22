import { BackendError } from "@acr/core";
import { backend as currentBackend, getBackend } from "@tensorflow/tfjs-core";
import { currentWebGpuRuntime, setWebGpuRuntime } from "../internal/current-webgpu-runtime.js";
import { replaceKernels } from "../internal/replace-kernels.js";
import type { TrainingKernels } from "../register-training-kernels.js";
import { adamKernels } from "./adam-kernels.js";
import { convolutionKernels } from "./convolution-kernels.js";
import { normGradients, normKernels } from "./norm-kernels.js";
import { pixelKernels } from "./pixel-kernels.js";
import { type WebGpuBackend, WebGpuRuntime } from "./webgpu-runtime.js";

const REGISTRATIONS = new WeakMap<WebGpuRuntime, TrainingKernels>();

/**
 * `registerTrainingKernels` on tfjs' `webgpu` backend, without a promise: batch normalisation with its activation, gradients
 * of convolutions, the moving averages and Adam's step as WGSL programs. Called twice, it returns what it started first.
 *
 * @throws {BackendError} another backend is in use.
 * @example
 * import { registerWebGpuKernels } from "@acr/kernels/webgpu";
 * await tf.setBackend("webgpu");
 * const kernels = registerWebGpuKernels();
 */
export function registerWebGpuKernels(): TrainingKernels {
  if (getBackend() !== "webgpu" || !("runWebGPUProgram" in currentBackend())) {
    throw new BackendError(
      `registerWebGpuKernels: the current backend must be webgpu; got ${getBackend() || "none"}. Call tf.setBackend("webgpu") first.`,
    );
  }
  const backend = currentBackend() as WebGpuBackend;
  const existing = currentWebGpuRuntime();
  if (existing) return REGISTRATIONS.get(existing)!;
  const runtime = new WebGpuRuntime(backend);
  const kernels = {
    ...normKernels(runtime),
    ...convolutionKernels(runtime),
    ...adamKernels(runtime),
    ...pixelKernels(runtime),
  };
  const restore = replaceKernels("webgpu", kernels, normGradients);
  setWebGpuRuntime(backend, runtime);
  let undone: Promise<void> | undefined;
  const registration: TrainingKernels = {
    variant: "webgpu",
    threads: 1,
    get failure() {
      return runtime.failure;
    },
    undo: () => {
      undone ??= (async () => {
        setWebGpuRuntime(backend, undefined);
        restore();
        runtime.stop();
      })();
      return undone;
    },
  };
  REGISTRATIONS.set(runtime, registration);
  return registration;
}
