export { normApply, normFactors, normGradient, normGradientFactors, normGradientSums, normMoments, normSums } from "./batch-norm";
export { depthwiseFilterGradient, depthwiseForward, depthwiseInputGradient, depthwiseScratch } from "./depthwise";
export { adam, add, sumOfSquares } from "./elementwise";
export { gemm, gemmScratch, gemmTransposed, gemmTransposedScratch, packB, sumParts } from "./gemm";
export { col2im, im2col } from "./patches";
