import { backend_util, type Tensor, type TensorInfo, util } from "@tensorflow/tfjs-core";
import type { Attribute, TensorFlowRuntime } from "./tensorflow-runtime.js";

const BINARY = new Set(["Add", "AddV2", "Sub", "Mul", "RealDiv", "Maximum", "Minimum", "SquaredDifference"]);
const UNARY = new Set(["Neg", "Square", "Sqrt", "Rsqrt", "Exp", "Abs", "Tanh", "Relu", "Relu6", "Sigmoid"]);

/** Shape of what tfjs-node's own kernels ask for element by element, if it is a float; `undefined`: nobody knows yet. */
export function outputShape(
  { binding }: TensorFlowRuntime,
  name: string,
  attributes: readonly Attribute[],
  inputs: readonly TensorInfo[],
): readonly number[] | undefined {
  const [a, b] = inputs;
  const [type] = attributes;
  if (name === "Cast") {
    const isFloat = attributes.some((attribute) => attribute.name === "DstT" && attribute.value === binding.TF_FLOAT);
    return isFloat ? a?.shape : undefined;
  }
  if (!a || type?.name !== "T" || type.value !== binding.TF_FLOAT) return undefined;
  if (UNARY.has(name)) return a.shape;
  if (b && BINARY.has(name)) return backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
  return undefined;
}

/** Reshape with the shape of its result. */
export function reshapeKernel(runtime: TensorFlowRuntime) {
  const { binding, float } = runtime;
  const attributes: Attribute[] = [float, { name: "Tshape", type: binding.TF_ATTR_TYPE, value: binding.TF_INT32 }];
  return {
    Reshape: ({
      inputs: { x },
      attrs,
    }: {
      inputs: { x: TensorInfo };
      attrs: { shape: number[] };
    }): Tensor | undefined => {
      if (x.dtype !== "float32") return undefined;
      const shape = util.inferFromImplicitShape(attrs.shape, util.sizeFromShape(x.shape));
      const shapeId = runtime.shape(shape);
      try {
        return runtime.tensor(runtime.execute("Reshape", attributes, [...runtime.ids(x), shapeId], 1, [shape])[0]!);
      } finally {
        runtime.release(shapeId);
      }
    },
  };
}
