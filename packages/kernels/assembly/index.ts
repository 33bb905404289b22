export {
  gatedNormGradientSums, movingAverage, normApply, normFactors, normGradient, normGradientFactors, normGradientSums, normMergeSums, normMoments, normSums, sumsSize,
} from "./batch-norm";
export { depthwiseFilterGradient, depthwiseForward, depthwiseInputGradient, depthwiseScratch } from "./depthwise";
export {
  depthwiseUnitBackward, depthwiseUnitBackwardScratch, depthwiseUnitForward, depthwiseUnitForwardScratch, sumVectors,
} from "./depthwise-unit";
export { adam, add, sumOfSquares } from "./elementwise";
export { areaMean, areaMeanGradient, gate, gatedGradient, gateGradient } from "./gate";
export { gemm, gemmScratch, gemmTransposed, gemmTransposedScratch, packB, sumParts } from "./gemm";
export { momentumStep, rmspropStep } from "./optimizers";
export { col2im } from "./patches";
export { maxPoolGradient, maxPoolGradientScratch } from "./pooling";
export { excite, exciteGradient, exciteWeightGradient } from "./squeeze-excite";
export {
  foldedForward, foldedPatchForward, foldedSize, foldNorm, patchBackward, patchForward, unitBackward, unitBackwardScratch,
  unitForward, unitForwardScratch,
} from "./unit";
