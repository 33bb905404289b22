export type { FusedActivation } from "./fused-activation.js";
export { FusedAdam, type FusedAdamOptions, type FusedAdamState } from "./fused-adam.js";
export { type FusedBatchNormOptions, fusedBatchNormActivation } from "./fused-batch-norm-activation.js";
export { type FusedConvOptions, fusedConv2dBatchNormActivation } from "./fused-conv-2d-batch-norm-activation.js";
export { type DescentSlots, type FusedDescentOptions, fusedDescentStep } from "./fused-descent-step.js";
export { optimizeForTraining } from "./optimize-for-training.js";
export { type PixelsToTensorOptions, pixelsToTensor } from "./pixels-to-tensor.js";
export {
  registerTrainingKernels,
  type TrainingKernelOptions,
  type TrainingKernels,
} from "./register-training-kernels.js";
