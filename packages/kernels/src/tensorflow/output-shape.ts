import { backend_util, type TensorInfo } from "@tensorflow/tfjs-core";
import type { ConvAttributes, Shape4 } from "../internal/conv-attributes.js";
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
): readonly number[] {
  const sides = (key: string) => (attribute(key) as number[]).slice(1, 3) as [number, number];
  const padding = (attribute("padding") as string).toLowerCase();
  const [, , top, bottom, left, right] = (attribute("explicit_paddings") ?? []) as number[];
  const pad =
    padding === "explicit"
      ? [
          [0, 0],
          [top, bottom],
          [left, right],
          [0, 0],
        ]
      : padding;
  return backend_util.computeConv2DInfo(
    x as Shape4,
    filter as Shape4,
    sides("strides"),
    sides("dilations"),
    pad as ConvAttributes["pad"],
  ).outShape;
}
