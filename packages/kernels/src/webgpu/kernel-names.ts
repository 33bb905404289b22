/** Names in tfjs' registry. The front knows nothing else of these kernels: they are loaded when they are registered. */
export const NORM = "AcrWebGpuNorm";
export const NORM_INFERENCE = "AcrWebGpuNormInference";
export const NORM_GRADIENT = "AcrWebGpuNormGradient";
export const MOVING_AVERAGE = "AcrWebGpuMovingAverage";
export const CLIP_SCALE = "AcrWebGpuClipScale";
export const PIXELS = "AcrWebGpuPixels";
export const ADAM = "AcrWebGpuAdam";
