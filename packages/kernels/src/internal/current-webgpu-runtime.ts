import type { WebGpuRuntime } from "../webgpu/webgpu-runtime.js";
import { runtimesOf } from "./runtimes-of.js";

export const { current: currentWebGpuRuntime, set: setWebGpuRuntime } = runtimesOf<WebGpuRuntime>("webgpu");
