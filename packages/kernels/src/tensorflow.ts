export * from "./index.js";
export { registerTensorFlowKernels } from "./tensorflow/register-tensorflow-kernels.js";
