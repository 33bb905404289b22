import { type TensorInfo, util } from "@tensorflow/tfjs-core";
import { scaleChannels } from "./scale-channels.js";
import type { WasmRuntime } from "./wasm-runtime.js";

/** Whether a tensor has one value for each channel of another. */
const isBiasOf = (bias: TensorInfo, { shape }: TensorInfo) =>
  bias.shape.length <= shape.length &&
  bias.shape.at(-1) === shape.at(-1) &&
  util.sizeFromShape(bias.shape) === shape.at(-1);

/** Addition of equal shapes or of a bias on threads, and copies that copy nothing. */
export function elementwiseKernels(
  runtime: WasmRuntime,
): Record<string, (call: { inputs: Record<string, TensorInfo>; attrs: { dtype?: string } }) => TensorInfo | undefined> {
  return {
    Add: ({ inputs }) => {
      const { a, b } = inputs as { a: TensorInfo; b: TensorInfo };
      if (a.dtype !== "float32" || b.dtype !== "float32") return undefined;
      if (!util.arraysEqual(a.shape, b.shape)) {
        if (isBiasOf(b, a)) return scaleChannels(runtime, a, { shift: b });
        return isBiasOf(a, b) ? scaleChannels(runtime, b, { shift: a }) : undefined;
      }
      const out = runtime.output(a.shape);
      runtime.run("add", runtime.address(a), runtime.address(b), runtime.address(out), util.sizeFromShape(a.shape));
      return out;
    },
    Identity: ({ inputs }) => (inputs.x!.dtype === "string" ? undefined : runtime.share(inputs.x!)),
    Cast: ({ inputs, attrs }) => (inputs.x!.dtype === attrs.dtype ? runtime.share(inputs.x!) : undefined),
  };
}
