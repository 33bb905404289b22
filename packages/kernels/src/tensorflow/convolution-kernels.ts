import { backend_util, type Tensor, type TensorInfo } from "@tensorflow/tfjs-core";
import type { ConvAttributes, Shape4 } from "../internal/conv-attributes.js";
import type { Attribute, TensorFlowRuntime } from "./tensorflow-runtime.js";

type Kernel = (call: { inputs: Record<string, TensorInfo>; attrs: ConvAttributes }) => Tensor | undefined;

/**
 * Convolutions and their gradients with the shapes of their results, so that they may run beside other operations; also the
 * gradients with padding in pixels, which tfjs-node refuses or passes on wrongly.
 */
export function convolutionKernels(runtime: TensorFlowRuntime): Record<string, Kernel> {
  const { binding, float } = runtime;

  /** What the operation is told, and the shape of the convolution's result; `undefined`: left to tfjs-node. */
  const settingsOf = (inputShape: Shape4, filterShape: Shape4, attrs: ConvAttributes, isDepthwise: boolean) => {
    const { strides, dilations, pad, dataFormat = "NHWC", dimRoundingMode } = attrs;
    if (dataFormat !== "NHWC") return undefined;
    const info = backend_util.computeConv2DInfo(
      inputShape,
      filterShape,
      strides,
      dilations ?? 1,
      pad,
      dimRoundingMode,
      isDepthwise,
    );
    const { type, top, bottom, left, right } = info.padInfo;
    if (type !== "SAME" && type !== "VALID" && type !== "EXPLICIT") return undefined;
    const list: Attribute[] = [
      float,
      { name: "strides", type: binding.TF_ATTR_INT, value: [1, info.strideHeight, info.strideWidth, 1] },
      { name: "padding", type: binding.TF_ATTR_STRING, value: type },
      { name: "data_format", type: binding.TF_ATTR_STRING, value: "NHWC" },
      { name: "dilations", type: binding.TF_ATTR_INT, value: [1, info.dilationHeight, info.dilationWidth, 1] },
    ];
    if (type === "EXPLICIT")
      list.push({
        name: "explicit_paddings",
        type: binding.TF_ATTR_INT,
        value: [0, 0, top, bottom, left, right, 0, 0],
      });
    return { list, shape: info.outShape };
  };
  const forward =
    (name: string, isDepthwise: boolean): Kernel =>
    ({ inputs: { x, filter }, attrs }) => {
      if (x!.dtype !== "float32" || filter!.dtype !== "float32") return undefined;
      const settings = settingsOf(x!.shape as Shape4, filter!.shape as Shape4, attrs, isDepthwise);
      if (!settings) return undefined;
      return runtime.single(name, settings.list, runtime.ids(x!, filter!), settings.shape);
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
      return runtime.single(name, attributes, inputs(shapeId), shape);
    } finally {
      runtime.release(shapeId);
    }
  };
  const ofInput =
    (name: string, isDepthwise: boolean): Kernel =>
    ({ inputs: { dy, filter }, attrs }) => {
      const shape = attrs.inputShape!;
      const settings = settingsOf(shape, filter!.shape as Shape4, attrs, isDepthwise);
      return gradient(name, settings?.list, (sizes) => [sizes, ...runtime.ids(filter!, dy!)], shape);
    };
  const ofFilter =
    (name: string, isDepthwise: boolean): Kernel =>
    ({ inputs: { x, dy }, attrs }) => {
      const shape = attrs.filterShape!;
      const settings = settingsOf(x!.shape as Shape4, shape, attrs, isDepthwise);
      return gradient(name, settings?.list, (sizes) => [...runtime.ids(x!), sizes, ...runtime.ids(dy!)], shape);
    };
  return {
    Conv2D: forward("Conv2D", false),
    DepthwiseConv2dNative: forward("DepthwiseConv2dNative", true),
    Conv2DBackpropInput: ofInput("Conv2DBackpropInput", false),
    Conv2DBackpropFilter: ofFilter("Conv2DBackpropFilter", false),
    DepthwiseConv2dNativeBackpropInput: ofInput("DepthwiseConv2dNativeBackpropInput", true),
    DepthwiseConv2dNativeBackpropFilter: ofFilter("DepthwiseConv2dNativeBackpropFilter", true),
  };
}
