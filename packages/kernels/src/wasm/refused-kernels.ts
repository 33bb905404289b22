import { BackendError } from "@acr/core";
import {
  Conv3DBackpropFilterV2,
  Conv3DBackpropInputV2,
  Dilation2D,
  getKernel,
  type KernelFunc,
  type TensorInfo,
} from "@tensorflow/tfjs-core";
import type { WasmRuntime } from "./wasm-runtime.js";

/** The smallest positive float, with which tfjs' kernel begins to look for the largest value. */
const START = 2 ** -126;

const refuse = (what: string) =>
  new BackendError(
    `wasm: tfjs computes wrong ${what}, and this package has no kernel for them. Use another backend, e.g. cpu.`,
  );

/** An error for what tfjs' own kernels get wrong and no other kernel computes. */
export function refusedKernels(runtime: WasmRuntime): Record<string, KernelFunc> {
  const dilate = getKernel(Dilation2D, "wasm")?.kernelFunc;
  const refuseGradients = () => {
    throw refuse("gradients of convolutions in three dimensions");
  };
  return {
    [Conv3DBackpropInputV2]: refuseGradients,
    [Conv3DBackpropFilterV2]: refuseGradients,
    ...(dilate && {
      [Dilation2D]: (call) => {
        const out = dilate(call) as TensorInfo;
        if (out.dtype === "float32" && !runtime.floats(out).includes(START)) return out;
        runtime.backend.disposeData(out.dataId);
        throw refuse("dilations where no value is positive or the values are whole numbers");
      },
    }),
  };
}
