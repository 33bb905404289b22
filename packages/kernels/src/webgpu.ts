export * from "./index.js";
export { registerWebGpuKernels } from "./webgpu/register-webgpu-kernels.js";
