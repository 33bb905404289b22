/** The kernels that threads share: their last two arguments are the thread and the number of threads. */
export const SHARED_KERNELS = [
  "packB",
  "gemm",
  "gemmTransposed",
  "sumParts",
  "sumVectors",
  "col2im",
  "unitForward",
  "unitBackward",
  "patchForward",
  "foldedForward",
  "foldedPatchForward",
  "patchBackward",
  "depthwiseForward",
  "depthwiseInputGradient",
  "depthwiseFilterGradient",
  "depthwiseUnitForward",
  "depthwiseUnitBackward",
  "maxPoolGradient",
  "normSums",
  "normApply",
  "normGradientSums",
  "normGradient",
  "areaMean",
  "areaMeanGradient",
  "gate",
  "gateGradient",
  "gatedGradient",
  "gatedNormGradientSums",
  "excite",
  "exciteGradient",
  "exciteWeightGradient",
  "add",
  "adam",
  "momentumStep",
  "rmspropStep",
] as const;

/** One of them. */
export type SharedKernel = (typeof SHARED_KERNELS)[number];

/** What the caller's thread runs alone. */
type LoneKernel =
  | "normMoments"
  | "normFactors"
  | "normMergeSums"
  | "normGradientFactors"
  | "movingAverage"
  | "sumOfSquares"
  | "sumsSize"
  | "gemmScratch"
  | "gemmTransposedScratch"
  | "foldNorm"
  | "foldedSize"
  | "unitForwardScratch"
  | "unitBackwardScratch"
  | "depthwiseScratch"
  | "depthwiseUnitForwardScratch"
  | "depthwiseUnitBackwardScratch"
  | "maxPoolGradientScratch";

/** What assembly/ exports. Addresses are byte offsets, lengths count elements, scratch sizes count floats, `sumsSize` bytes. */
export type WasmExports = Record<SharedKernel | LoneKernel, (...args: number[]) => number>;
