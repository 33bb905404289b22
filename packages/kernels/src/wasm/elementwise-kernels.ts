import {
  cast,
  maximum,
  minimum,
  mul,
  neg,
  notEqual,
  relu,
  scalar,
  sub,
  type Tensor,
  type TensorInfo,
  tidy,
  util,
} from "@tensorflow/tfjs-core";
import { scaleChannels } from "./scale-channels.js";
import type { WasmRuntime } from "./wasm-runtime.js";

/** Whether a tensor has one value for each channel of another. */
const isBiasOf = (bias: TensorInfo, { shape }: TensorInfo) =>
  bias.shape.length <= shape.length &&
  bias.shape.at(-1) === shape.at(-1) &&
  util.sizeFromShape(bias.shape) === shape.at(-1);

interface Attributes {
  dtype?: string;
  clipValueMin: number;
  clipValueMax: number;
}
type Kernel = (call: { inputs: Record<string, TensorInfo>; attrs: Attributes }) => TensorInfo | undefined;

/** Whether the slopes of a PReLU repeat along the last axes of x alone, which is all that tfjs' kernel knows. */
function isTail(alpha: TensorInfo, { shape }: TensorInfo): boolean {
  const sides = alpha.shape.slice(alpha.shape.findIndex((side) => side !== 1));
  const isOne = alpha.shape.every((side) => side === 1);
  return isOne || util.arraysEqual(sides, shape.slice(-sides.length));
}

/** Addition of equal shapes or of a bias on threads, copies that copy nothing, and what tfjs' own kernels get wrong. */
export function elementwiseKernels(runtime: WasmRuntime): Record<string, Kernel> {
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
    Cast: ({ inputs, attrs }) => {
      const x = inputs.x as Tensor;
      if (x.dtype === attrs.dtype) return runtime.share(x);
      // tfjs would take a number's lowest byte for true or false.
      if (attrs.dtype !== "bool" || x.dtype === "string") return undefined;
      return tidy(() => notEqual(x, scalar(0, x.dtype)));
    },
    ClipByValue: ({ inputs, attrs: { clipValueMin, clipValueMax } }) => {
      const x = inputs.x as Tensor;
      // tfjs would read whole numbers as floats.
      if (x.dtype === "float32") return undefined;
      return tidy(() => maximum(minimum(cast(x, "int32"), whole(clipValueMax)), whole(clipValueMin)));
    },
    Prelu: ({ inputs }) => {
      const { x, alpha } = inputs as { x: Tensor; alpha: Tensor };
      if (x.dtype === "float32" && isTail(alpha, x)) return undefined;
      return tidy(() => {
        const value = cast(x, "float32");
        return sub(relu(value), mul(alpha, relu(neg(value))));
      });
    },
  };
}

/** The limits of int32 stand for those that lie outside. */
const whole = (limit: number) => scalar(Math.trunc(Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, limit))), "int32");
