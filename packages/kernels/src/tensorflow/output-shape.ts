import { backend_util, type Tensor, type TensorInfo, util } from "@tensorflow/tfjs-core";
import type { Attribute, TensorFlowRuntime } from "./tensorflow-runtime.js";

const BINARY = new Set(["Add", "AddV2", "Sub", "Mul", "RealDiv", "Maximum", "Minimum", "SquaredDifference"]);
const UNARY = new Set(["Neg", "Square", "Sqrt", "Rsqrt", "Exp", "Abs", "Tanh", "Relu", "Relu6", "Sigmoid"]);

const REDUCTIONS = new Set(["Sum", "Mean", "Max", "Min", "Prod"]);

/** Shape of what tfjs-node's own kernels ask for, if it is a float; `undefined`: nobody knows yet. */
export function outputShape(
  { backend, binding }: TensorFlowRuntime,
  name: string,
  attributes: readonly Attribute[],
  inputs: readonly TensorInfo[],
): readonly number[] | undefined {
  const [a, b] = inputs;
  const attribute = (key: string) => attributes.find(({ name }) => name === key)?.value;
  if (name === "Cast") return attribute("DstT") === binding.TF_FLOAT ? a?.shape : undefined;
  if (!a || attribute("T") !== binding.TF_FLOAT) return undefined;
  if (UNARY.has(name)) return a.shape;
  if (!b) return undefined;
  if (BINARY.has(name)) return backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
  if (REDUCTIONS.has(name)) {
    const axes = [...(backend.readSync(b.dataId) as Int32Array)];
    const [kept] = backend_util.computeOutAndReduceShapes(a.shape, axes);
    return attribute("keep_dims") ? backend_util.expandShapeToKeepDim(kept, axes) : kept;
  }
  if (name === "BatchMatMulV2") {
    const [rows, columns] = [attribute("adj_x") ? -1 : -2, attribute("adj_y") ? -2 : -1];
    const batch = backend_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
    return [...batch, a.shape.at(rows)!, b.shape.at(columns)!];
  }
  if (name === "Conv2D" && attribute("data_format") === "NHWC") return convolutionShape(a.shape, b.shape, attribute);
  return undefined;
}

function convolutionShape(
  x: readonly number[],
  filter: readonly number[],
  attribute: (key: string) => Attribute["value"] | undefined,
): readonly number[] | undefined {
  const [strides, dilations] = [attribute("strides"), attribute("dilations")] as [number[], number[]];
  const paddings = attribute("explicit_paddings") as number[] | undefined;
  const padding = attribute("padding");
  const sides = [1, 2].map((axis) => {
    const [side, stride] = [x[axis]!, strides[axis]!];
    if (padding === "SAME") return Math.ceil(side / stride);
    const added = padding === "EXPLICIT" ? paddings![2 * axis]! + paddings![2 * axis + 1]! : 0;
    return Math.floor((side + added - (filter[axis - 1]! - 1) * dilations[axis]! - 1) / stride) + 1;
  });
  return [x[0]!, ...sides, filter[3]!];
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
