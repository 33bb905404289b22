import { type TensorInfo, util } from "@tensorflow/tfjs-core";
import type { WasmRuntime } from "./wasm-runtime.js";

/** Same-shape addition on threads, and copies that copy nothing. */
export function elementwiseKernels(
  runtime: WasmRuntime,
): Record<string, (call: { inputs: Record<string, TensorInfo>; attrs: { dtype?: string } }) => TensorInfo | undefined> {
  return {
    Add: ({ inputs }) => {
      const { a, b } = inputs as { a: TensorInfo; b: TensorInfo };
      if (a.dtype !== "float32" || b.dtype !== "float32" || !util.arraysEqual(a.shape, b.shape)) return undefined;
      const out = runtime.output(a.shape);
      runtime.run("add", runtime.address(a), runtime.address(b), runtime.address(out), util.sizeFromShape(a.shape));
      return out;
    },
    Identity: ({ inputs }) => (inputs.x!.dtype === "string" ? undefined : runtime.share(inputs.x!)),
    Cast: ({ inputs, attrs }) => (inputs.x!.dtype === attrs.dtype ? runtime.share(inputs.x!) : undefined),
  };
}
