import { backend_util, type TensorInfo, util } from "@tensorflow/tfjs-core";
import type { WasmRuntime } from "./wasm-runtime.js";

interface Attributes {
  axis?: number | number[];
  reductionIndices?: number | number[];
  keepDims?: boolean;
}
type Kernel = (call: { inputs: Record<string, TensorInfo>; attrs: Attributes }) => TensorInfo | undefined;

/** What comes of nothing on tfjs' cpu backend; NaN is 0 among whole numbers. */
const OF_NOTHING = { Sum: 0, Mean: 0, Prod: 1, Max: Number.NaN, Min: Number.NaN, All: 0, Any: 0 };

/** Reductions of tensors without elements, whose results tfjs leaves unwritten. */
export function reductionKernels(runtime: WasmRuntime): Record<string, Kernel> {
  const ofNothing =
    (name: string, value: number): Kernel =>
    ({ inputs, attrs: { axis, reductionIndices, keepDims } }) => {
      const x = inputs.x!;
      if (util.sizeFromShape(x.shape) > 0) return undefined;
      const axes = util.parseAxisParam((axis ?? reductionIndices)!, x.shape);
      const [shape] = backend_util.computeOutAndReduceShapes(x.shape, axes);
      const out = runtime.output(
        keepDims ? backend_util.expandShapeToKeepDim(shape, axes) : shape,
        name === "Mean" ? "float32" : x.dtype,
      );
      const [address, length] = [runtime.address(out), util.sizeFromShape(shape)];
      const { buffer } = runtime.bytes();
      if (out.dtype === "float32") runtime.view(address, length).fill(value);
      else if (out.dtype === "int32") new Int32Array(buffer, address, length).fill(value);
      else new Uint8Array(buffer, address, length).fill(value);
      return out;
    };
  return Object.fromEntries(Object.entries(OF_NOTHING).map(([name, value]) => [name, ofNothing(name, value)]));
}
