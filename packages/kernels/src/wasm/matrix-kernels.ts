import {
  _FusedMatMul,
  BatchMatMul,
  engine,
  type NamedAttrMap,
  type Tensor,
  type TensorInfo,
  tidy,
  util,
} from "@tensorflow/tfjs-core";
import { finishFused } from "./finish-fused.js";
import { isClampActivation, multiply, multiplyBiased, multiplyTransposed } from "./matrix-products.js";
import type { WasmRuntime } from "./wasm-runtime.js";

type Call = {
  inputs: Record<string, TensorInfo | undefined>;
  attrs: { transposeA?: boolean; transposeB?: boolean; activation?: string; leakyreluAlpha?: number };
};

/** Sizes of a product of two matrices, or `undefined` where there is more than one, or no float. */
function sizesOf({ inputs: { a, b }, attrs: { transposeA, transposeB } }: Call) {
  if (a!.dtype !== "float32" || b!.dtype !== "float32" || a!.shape.length !== b!.shape.length) return undefined;
  const batch = a!.shape.slice(0, -2);
  if ([...batch, ...b!.shape.slice(0, -2)].some((size) => size !== 1) || a!.shape.length < 2) return undefined;
  const [M, K] = (transposeA ? a!.shape.slice(-2).reverse() : a!.shape.slice(-2)) as [number, number];
  const N = b!.shape.at(transposeB ? -2 : -1)!;
  return { M, K, N, shape: [...batch, M, N] };
}

/**
 * Products of two matrices, as dense layers need them: tfjs' kernels run on one thread, the gradients' without SIMD worth
 * the name, and the fused one prepares its weights anew in each training step.
 */
export function matrixKernels(runtime: WasmRuntime): Record<string, (call: Call) => TensorInfo | undefined> {
  const at = (tensor: TensorInfo | undefined) => runtime.address(tensor!);
  return {
    BatchMatMul: (call) => {
      const { a, b } = call.inputs;
      const { transposeA = false, transposeB = false } = call.attrs;
      const sizes = sizesOf(call);
      if (!sizes || (transposeA && transposeB)) return undefined;
      const out = runtime.output(sizes.shape);
      if (transposeA) multiplyTransposed(runtime, at(a), at(b), sizes, at(out));
      else multiply(runtime, at(a), { ...sizes, b: at(b), transposed: transposeB }, at(out));
      return out;
    },
    [_FusedMatMul]: ({ inputs, attrs }) => {
      const { a, b, bias, preluActivationWeights } = inputs;
      const { transposeA, transposeB, activation } = attrs;
      if (a!.dtype !== "float32" || b!.dtype !== "float32") return undefined;
      const sizes = sizesOf({ inputs, attrs });
      const isOwn = !transposeA && !transposeB && !preluActivationWeights && isClampActivation(activation);
      if (sizes && isOwn && (!bias || (bias.dtype === "float32" && util.sizeFromShape(bias.shape) === sizes.N))) {
        const out = runtime.output(sizes.shape);
        multiplyBiased(runtime, at(a), { ...sizes, b: b!, bias, activation }, at(out));
        return out;
      }
      // tfjs' own kernel gives wrong numbers where there are several matrices, or a side is transposed.
      return tidy(() => {
        const sides = { a: a as Tensor, b: b as Tensor };
        const attributes = { transposeA, transposeB } as NamedAttrMap;
        // The product of two plain matrices keeps its packed side from call to call here.
        const name = sizes && !transposeA && !transposeB ? _FusedMatMul : BatchMatMul;
        const z = engine().runKernel(name, sides, attributes) as Tensor;
        return finishFused(z, {
          ...attrs,
          bias: bias as Tensor,
          preluActivationWeights: preluActivationWeights as Tensor,
        });
      });
    },
  };
}
