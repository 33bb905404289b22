/** What assembly/ exports. Addresses are byte offsets; kernels that end in (thread, threads) can be shared. */
export interface WasmExports {
  packB(...args: number[]): void;
  gemm(...args: number[]): void;
  gemmScratch(depth: number): number;
  gemmTransposed(...args: number[]): void;
  gemmTransposedScratch(rows: number, columns: number): number;
  sumParts(...args: number[]): void;
  im2col(...args: number[]): void;
  col2im(...args: number[]): void;
  depthwiseScratch(filterHeight: number, filterWidth: number): number;
  depthwiseForward(...args: number[]): void;
  depthwiseInputGradient(...args: number[]): void;
  depthwiseFilterGradient(...args: number[]): void;
  normSums(...args: number[]): void;
  normMoments(...args: number[]): void;
  normFactors(...args: number[]): void;
  normApply(...args: number[]): void;
  normGradientSums(...args: number[]): void;
  normGradientFactors(...args: number[]): void;
  normGradient(...args: number[]): void;
  add(...args: number[]): void;
  sumOfSquares(address: number, length: number): number;
  adam(...args: number[]): void;
}

/** The kernels that threads share. */
export type SharedKernel =
  | "packB"
  | "gemm"
  | "gemmTransposed"
  | "sumParts"
  | "im2col"
  | "col2im"
  | "depthwiseForward"
  | "depthwiseInputGradient"
  | "depthwiseFilterGradient"
  | "normSums"
  | "normApply"
  | "normGradientSums"
  | "normGradient"
  | "add"
  | "adam";
