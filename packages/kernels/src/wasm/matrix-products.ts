import type { TensorInfo } from "@tensorflow/tfjs-core";
import { ACTIVATION_CODES } from "../fused-activation.js";
import type { SharedKernel } from "./wasm-exports.js";
import type { WasmRuntime } from "./wasm-runtime.js";

const FLOAT = 4;
export const up8 = (n: number) => (n + 7) & ~7;

/** Products of fewer multiplications than this are done before a sleeping thread is awake. */
const SHARED_FROM = 2 ** 20;

/** Bytes that the threads' own parts of a product may take together; one thread alone works where they would take more. */
const PART_BYTES = 256 * 2 ** 20;

/** What runs a product's kernels: all threads, or the caller's alone where waking the others would take longer. */
function runnerOf(runtime: WasmRuntime, multiplications: number) {
  if (multiplications >= SHARED_FROM) {
    return {
      threads: runtime.threads,
      run: (kernel: SharedKernel, ...args: number[]) => runtime.run(kernel, ...args),
    };
  }
  return { threads: 1, run: (kernel: SharedKernel, ...args: number[]) => void runtime.exports[kernel](...args, 0, 1) };
}

/** Sizes of a product [M, K] · [K, N]. */
export interface ProductSizes {
  M: number;
  K: number;
  N: number;
}

/** c [M, N] = a [M, K] · b, b being [K, N], or [N, K] where `transposed`. All are addresses. */
export function multiply(
  runtime: WasmRuntime,
  a: number,
  { M, K, N, b, transposed }: ProductSizes & { b: number; transposed: boolean },
  c: number,
): void {
  const { threads, run } = runnerOf(runtime, M * K * N);
  const packed = K * up8(N) * FLOAT;
  const panels = runtime.scratch(packed + threads * runtime.exports.gemmScratch(K) * FLOAT);
  run("packB", b, K, N, transposed ? 1 : 0, panels);
  run("gemm", a, panels, c, M, N, K, panels + packed);
}

/** c [M, N] = aᵀ · b, a [K, M] and b [K, N]. */
export function multiplyTransposed(
  runtime: WasmRuntime,
  a: number,
  b: number,
  { M, K, N }: ProductSizes,
  c: number,
): void {
  const apart = runtime.exports.gemmTransposedScratch(M, N);
  const isSharable = runtime.threads * apart * FLOAT <= PART_BYTES;
  const { threads, run } = runnerOf(runtime, isSharable ? M * K * N : 0);
  const scratch = runtime.scratch(threads * apart * FLOAT);
  run("gemmTransposed", a, b, M, N, K, scratch);
  run("sumParts", scratch, apart, c, M, N);
}

/** Activations that `multiplyBiased` finishes a tile with. */
export type ClampActivation = "linear" | "relu" | "relu6";
export const isClampActivation = (name: string | undefined): name is ClampActivation | undefined =>
  name === undefined || name === "linear" || name === "relu" || name === "relu6";

/** c [M, N] = activation(a [M, K] · b [K, N] + bias [N]); b is packed once for each version of it and the bias. */
export function multiplyBiased(
  runtime: WasmRuntime,
  a: number,
  {
    M,
    K,
    N,
    b,
    bias,
    activation = "linear",
  }: ProductSizes & { b: TensorInfo; bias: TensorInfo | undefined; activation?: ClampActivation },
  c: number,
): void {
  const { threads, run } = runnerOf(runtime, M * K * N);
  const panels = runtime.folded.get(
    b,
    // The same data may be read in another shape.
    [bias?.dataId, K, N],
    runtime.exports.foldedSize(K, N) * FLOAT,
    (address) => {
      run("packB", runtime.address(b), K, N, 0, address);
      const row = runtime.view(address + K * up8(N) * FLOAT, up8(N)).fill(0);
      if (bias) row.set(runtime.floats(bias));
    },
  );
  const scratch = runtime.scratch(threads * runtime.exports.unitForwardScratch(K) * FLOAT);
  run("foldedForward", a, panels, c, M, N, K, ACTIVATION_CODES[activation], scratch);
}
