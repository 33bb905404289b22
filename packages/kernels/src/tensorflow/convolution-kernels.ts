import { backend_util, type Tensor, type TensorInfo } from "@tensorflow/tfjs-core";
import type { ConvAttributes, Shape4 } from "../internal/conv-attributes.js";
import type { Attribute, TensorFlowRuntime } from "./tensorflow-runtime.js";

type Kernel = (call: { inputs: Record<string, TensorInfo>; attrs: ConvAttributes }) => Tensor | undefined;

/** Convolution gradients, of which tfjs-node refuses those with padding in pixels (or passes them on wrongly). */
export function convolutionKernels(runtime: TensorFlowRuntime): Record<string, Kernel> {
  const { binding, float } = runtime;

  /** What the operation is told, for padding in pixels; `undefined` for all else, which tfjs-node knows. */
  const attributesOf = (inputShape: Shape4, filterShape: Shape4, attrs: ConvAttributes, isDepthwise: boolean) => {
    const { strides, dilations = 1, pad, dataFormat = "NHWC", dimRoundingMode } = attrs;
    if (dataFormat !== "NHWC" || typeof pad === "string") return undefined;
    const info = backend_util.computeConv2DInfo(
      inputShape,
      filterShape,
      strides,
      isDepthwise ? dilations : 1,
      pad,
      dimRoundingMode,
      isDepthwise,
    );
    if (info.padInfo.type !== "EXPLICIT") return undefined;
    const { top, bottom, left, right } = info.padInfo;
    const list: Attribute[] = [
      float,
      { name: "strides", type: binding.TF_ATTR_INT, value: [1, info.strideHeight, info.strideWidth, 1] },
      { name: "padding", type: binding.TF_ATTR_STRING, value: "EXPLICIT" },
      { name: "explicit_paddings", type: binding.TF_ATTR_INT, value: [0, 0, top, bottom, left, right, 0, 0] },
      { name: "data_format", type: binding.TF_ATTR_STRING, value: "NHWC" },
      { name: "dilations", type: binding.TF_ATTR_INT, value: [1, info.dilationHeight, info.dilationWidth, 1] },
    ];
    return list;
  };
  const gradient = (
    name: string,
    attributes: Attribute[] | undefined,
    inputs: (shape: number) => number[],
    shape: Shape4,
  ): Tensor | undefined => {
    if (!attributes) return undefined;
    const shapeId = runtime.shape(shape);
    try {
      return runtime.tensor(runtime.execute(name, attributes, inputs(shapeId), 1)[0]!);
    } finally {
      runtime.release(shapeId);
    }
  };
  const ofInput =
    (name: string, isDepthwise: boolean): Kernel =>
    ({ inputs: { dy, filter }, attrs }) => {
      const shape = attrs.inputShape!;
      const attributes = attributesOf(shape, filter!.shape as Shape4, attrs, isDepthwise);
      return gradient(name, attributes, (sizes) => [sizes, ...runtime.ids(filter!, dy!)], shape);
    };
  const ofFilter =
    (name: string, isDepthwise: boolean): Kernel =>
    ({ inputs: { x, dy }, attrs }) => {
      const shape = attrs.filterShape!;
      const attributes = attributesOf(x!.shape as Shape4, shape, attrs, isDepthwise);
      return gradient(name, attributes, (sizes) => [...runtime.ids(x!), sizes, ...runtime.ids(dy!)], shape);
    };
  return {
    Conv2DBackpropInput: ofInput("Conv2DBackpropInput", false),
    Conv2DBackpropFilter: ofFilter("Conv2DBackpropFilter", false),
    DepthwiseConv2dNativeBackpropInput: ofInput("DepthwiseConv2dNativeBackpropInput", true),
    DepthwiseConv2dNativeBackpropFilter: ofFilter("DepthwiseConv2dNativeBackpropFilter", true),
  };
}
