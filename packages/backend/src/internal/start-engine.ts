import { registerTrainingKernels } from "@acr/kernels";
import { version_core } from "@tensorflow/tfjs-core";
import { activateBackend } from "./activate-backend.js";
import type { Started, Wishes } from "./engine-start.js";
import { loadBackendPackage } from "./load-backend-package.js";
import { startTensorFlowEngine } from "./start-tensorflow-engine.js";
import { startWasmEngine } from "./start-wasm-engine.js";
import { startWebGpuEngine } from "./start-web-gpu-engine.js";

/** Makes a backend the one in use and registers the training kernels for it.  @throws {BackendError} why it does not start. */
export async function startEngine(name: string, wishes: Wishes): Promise<Started> {
  if (name === "wasm") return startWasmEngine(wishes);
  if (name === "tensorflow") return startTensorFlowEngine(wishes);
  if (name === "webgpu") return startWebGpuEngine(wishes);
  if (name === "cpu") await loadBackendPackage("cpu", () => import("@tensorflow/tfjs-backend-cpu"));
  await activateBackend(name);
  const kernels = await registerTrainingKernels();
  const description = name === "cpu" ? "cpu (plain JavaScript, slow)" : name;
  return {
    info: { name, threads: 1, simd: false, relaxedSimd: false, version: version_core, description },
    kernels,
  };
}
