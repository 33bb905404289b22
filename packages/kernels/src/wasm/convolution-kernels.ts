import { backend_util, type TensorInfo } from "@tensorflow/tfjs-core";
import type { WasmRuntime } from "./wasm-runtime.js";

type ConvInfo = backend_util.Conv2DInfo;
type Pad = Parameters<typeof backend_util.computeConv2DInfo>[4];
interface ConvAttributes {
  strides: number | [number, number];
  pad: Pad;
  dilations?: number | [number, number];
  dimRoundingMode?: "floor" | "round" | "ceil";
  dataFormat?: string;
  inputShape?: [number, number, number, number];
  filterShape?: [number, number, number, number];
  activation?: string;
}
type Shape4 = [number, number, number, number];

const FLOAT = 4;
const up8 = (n: number) => (n + 7) & ~7;
const isPointwise = (info: ConvInfo) =>
  info.filterHeight === 1 &&
  info.filterWidth === 1 &&
  info.strideHeight === 1 &&
  info.strideWidth === 1 &&
  info.padInfo.top === 0 &&
  info.padInfo.left === 0 &&
  info.padInfo.bottom === 0 &&
  info.padInfo.right === 0;
const pixels = (info: ConvInfo) => info.batchSize * info.outHeight * info.outWidth;
const patchLength = (info: ConvInfo) => info.filterHeight * info.filterWidth * info.inChannels;

/** The numbers every spatial kernel takes, in order. */
const geometry = (info: ConvInfo) => [
  info.batchSize,
  info.inHeight,
  info.inWidth,
  info.inChannels,
  info.filterHeight,
  info.filterWidth,
  info.strideHeight,
  info.strideWidth,
  info.dilationHeight,
  info.dilationWidth,
  info.padInfo.top,
  info.padInfo.left,
  info.outHeight,
  info.outWidth,
];

/** C [M, N] = A [M, K] · B; `before` bytes of the scratch block stay untouched in front. */
function multiply(
  runtime: WasmRuntime,
  a: (scratch: number) => number,
  {
    M,
    K,
    N,
    b,
    transposed,
    before = 0,
  }: { M: number; K: number; N: number; b: number; transposed: boolean; before?: number },
  c: (scratch: number) => number,
): void {
  const packed = K * up8(N) * FLOAT;
  const scratch = runtime.scratch(before + packed + runtime.threads * runtime.exports.gemmScratch(K) * FLOAT);
  const panels = scratch + before;
  runtime.run("packB", b, K, N, transposed ? 1 : 0, panels);
  runtime.run("gemm", a(scratch), panels, c(scratch), M, N, K, panels + packed);
}

const isFloat = (...tensors: TensorInfo[]) => tensors.every(({ dtype }) => dtype === "float32");
const isChannelsLast = (format: string | undefined) =>
  format === undefined || format === "NHWC" || format === "channelsLast";

/** A kernel that may decline: `undefined` sends the call to the kernel that was there before. */
export type PartialKernel = (call: {
  inputs: Record<string, TensorInfo>;
  attrs: ConvAttributes;
}) => TensorInfo | undefined;

/** Convolution kernels, forward and both gradients, by tfjs kernel name. */
export function convolutionKernels(runtime: WasmRuntime): Record<string, PartialKernel> {
  const conv2d: PartialKernel = ({ inputs, attrs }) => {
    const { x, filter } = inputs as { x: TensorInfo; filter: TensorInfo };
    if (!isChannelsLast(attrs.dataFormat) || !isFloat(x, filter)) return undefined;
    const info = backend_util.computeConv2DInfo(
      x.shape as Shape4,
      filter.shape as Shape4,
      attrs.strides,
      attrs.dilations ?? 1,
      attrs.pad,
      attrs.dimRoundingMode,
    );
    const out = runtime.output(info.outShape);
    const M = pixels(info);
    const K = patchLength(info);
    const product = { M, K, N: info.outChannels, b: runtime.address(filter), transposed: false };
    if (isPointwise(info)) {
      multiply(
        runtime,
        () => runtime.address(x),
        product,
        () => runtime.address(out),
      );
    } else {
      const patches = M * K * FLOAT;
      runtime.scratch(
        patches + K * up8(info.outChannels) * FLOAT + runtime.threads * runtime.exports.gemmScratch(K) * FLOAT,
      );
      runtime.run("im2col", runtime.address(x), runtime.scratch(0), ...geometry(info));
      multiply(
        runtime,
        (scratch) => scratch,
        { ...product, before: patches },
        () => runtime.address(out),
      );
    }
    return out;
  };

  return {
    Conv2D: conv2d,
    FusedConv2D: ({ inputs, attrs }) => {
      if (inputs.bias || inputs.preluActivationWeights || (attrs.activation && attrs.activation !== "linear"))
        return undefined;
      return conv2d({ inputs, attrs });
    },
    Conv2DBackpropInput: ({ inputs, attrs }) => {
      const { dy, filter } = inputs as { dy: TensorInfo; filter: TensorInfo };
      if (!isChannelsLast(attrs.dataFormat) || !isFloat(dy, filter)) return undefined;
      const info = backend_util.computeConv2DInfo(
        attrs.inputShape!,
        filter.shape as Shape4,
        attrs.strides,
        attrs.dilations ?? 1,
        attrs.pad,
        attrs.dimRoundingMode,
      );
      const out = runtime.output(attrs.inputShape!);
      const product = {
        M: pixels(info),
        K: info.outChannels,
        N: patchLength(info),
        b: runtime.address(filter),
        transposed: true,
      };
      if (isPointwise(info)) {
        multiply(
          runtime,
          () => runtime.address(dy),
          product,
          () => runtime.address(out),
        );
      } else {
        const before = product.M * product.N * FLOAT;
        multiply(
          runtime,
          () => runtime.address(dy),
          { ...product, before },
          (scratch) => scratch,
        );
        runtime.run("col2im", runtime.scratch(0), runtime.address(out), ...geometry(info));
      }
      return out;
    },
    Conv2DBackpropFilter: ({ inputs, attrs }) => {
      const { x, dy } = inputs as { x: TensorInfo; dy: TensorInfo };
      if (!isChannelsLast(attrs.dataFormat) || !isFloat(x, dy)) return undefined;
      const info = backend_util.computeConv2DInfo(
        x.shape as Shape4,
        attrs.filterShape!,
        attrs.strides,
        attrs.dilations ?? 1,
        attrs.pad,
        attrs.dimRoundingMode,
      );
      const out = runtime.output(attrs.filterShape!);
      const M = patchLength(info);
      const N = info.outChannels;
      const depth = pixels(info);
      const patches = isPointwise(info) ? 0 : depth * M * FLOAT;
      const scratch = runtime.scratch(patches + runtime.threads * runtime.exports.gemmTransposedScratch(M, N) * FLOAT);
      if (patches > 0) runtime.run("im2col", runtime.address(x), scratch, ...geometry(info));
      runtime.run(
        "gemmTransposed",
        patches > 0 ? scratch : runtime.address(x),
        runtime.address(dy),
        M,
        N,
        depth,
        scratch + patches,
      );
      runtime.run("sumParts", scratch + patches, runtime.address(out), M, N);
      return out;
    },
    DepthwiseConv2dNative: ({ inputs, attrs }) => {
      const { x, filter } = inputs as { x: TensorInfo; filter: TensorInfo };
      const info = depthwiseInfo(x.shape as Shape4, filter.shape as Shape4, attrs);
      if (info.outChannels !== info.inChannels || !isFloat(x, filter) || !isChannelsLast(attrs.dataFormat))
        return undefined;
      const out = runtime.output(info.outShape);
      runtime.run(
        "depthwiseForward",
        runtime.address(x),
        runtime.address(filter),
        runtime.address(out),
        ...geometry(info),
        depthwiseScratch(info),
      );
      return out;
    },
    DepthwiseConv2dNativeBackpropInput: ({ inputs, attrs }) => {
      const { dy, filter } = inputs as { dy: TensorInfo; filter: TensorInfo };
      const info = depthwiseInfo(attrs.inputShape!, filter.shape as Shape4, attrs);
      if (info.outChannels !== info.inChannels || !isFloat(dy, filter)) return undefined;
      const out = runtime.output(attrs.inputShape!);
      runtime.run(
        "depthwiseInputGradient",
        runtime.address(dy),
        runtime.address(filter),
        runtime.address(out),
        ...geometry(info),
        depthwiseScratch(info),
      );
      return out;
    },
    DepthwiseConv2dNativeBackpropFilter: ({ inputs, attrs }) => {
      const { x, dy } = inputs as { x: TensorInfo; dy: TensorInfo };
      const info = depthwiseInfo(x.shape as Shape4, attrs.filterShape!, attrs);
      if (info.outChannels !== info.inChannels || !isFloat(x, dy)) return undefined;
      const out = runtime.output(attrs.filterShape!);
      runtime.run(
        "depthwiseFilterGradient",
        runtime.address(x),
        runtime.address(dy),
        runtime.address(out),
        ...geometry(info),
      );
      return out;
    },
  };

  function depthwiseInfo(inputShape: Shape4, filterShape: Shape4, attrs: ConvAttributes): ConvInfo {
    return backend_util.computeConv2DInfo(
      inputShape,
      filterShape,
      attrs.strides,
      attrs.dilations ?? 1,
      attrs.pad,
      attrs.dimRoundingMode,
      true,
    );
  }

  function depthwiseScratch(info: ConvInfo): number {
    return runtime.scratch(runtime.threads * runtime.exports.depthwiseScratch(info.filterHeight, info.filterWidth));
  }
}
