import { type Tensor, type TensorInfo, util } from "@tensorflow/tfjs-core";
import type { Attribute, TensorFlowRuntime } from "./tensorflow-runtime.js";

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
        return runtime.single("Reshape", attributes, [...runtime.ids(x), shapeId], shape);
      } finally {
        runtime.release(shapeId);
      }
    },
  };
}
