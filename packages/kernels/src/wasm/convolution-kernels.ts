import { BackendError } from "@acr/core";
import {
  type backend_util,
  Conv2D,
  DepthwiseConv2dNative,
  DepthwiseConv2dNativeBackpropFilter,
  DepthwiseConv2dNativeBackpropInput,
  engine,
  type NamedAttrMap,
  reshape,
  sum,
  type Tensor,
  type TensorInfo,
  tidy,
  tile,
  util,
} from "@tensorflow/tfjs-core";
import type { ConvAttributes } from "../internal/conv-attributes.js";
import { convolutionInfo } from "../internal/convolution-info.js";
import { finishFused } from "./finish-fused.js";
import { hasUsualSize } from "./has-usual-size.js";
import { isClampActivation, multiply, multiplyBiased, multiplyTransposed, up8 } from "./matrix-products.js";
import { scaleChannels } from "./scale-channels.js";
import type { WasmRuntime } from "./wasm-runtime.js";

type ConvInfo = backend_util.Conv2DInfo;

const FLOAT = 4;
export const isPointwise = (info: ConvInfo) =>
  info.filterHeight === 1 &&
  info.filterWidth === 1 &&
  info.strideHeight === 1 &&
  info.strideWidth === 1 &&
  info.padInfo.top === 0 &&
  info.padInfo.left === 0 &&
  info.padInfo.bottom === 0 &&
  info.padInfo.right === 0;
export const pixels = (info: ConvInfo) => info.batchSize * info.outHeight * info.outWidth;
export const patchLength = (info: ConvInfo) => info.filterHeight * info.filterWidth * info.inChannels;

/** The numbers every spatial kernel takes, in order. */
export const geometry = (info: ConvInfo) => [
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

/** Bytes of patches that the input gradient of a k × k convolution may hold at a time. */
const PATCH_BYTES = 32 * 2 ** 20;

/** Gradient of a convolution's input. Filters of more than one pixel go picture by picture, so that memory stays bounded. */
export function inputGradient(runtime: WasmRuntime, info: ConvInfo, dy: TensorInfo, filter: TensorInfo): TensorInfo {
  const out = runtime.output(info.inShape);
  const K = info.outChannels;
  const N = patchLength(info);
  const b = runtime.address(filter);
  if (isPointwise(info)) {
    multiply(runtime, runtime.address(dy), { M: pixels(info), K, N, b, transposed: true }, runtime.address(out));
    return out;
  }
  const area = info.outHeight * info.outWidth;
  const images = Math.max(1, Math.min(info.batchSize, Math.floor(PATCH_BYTES / (area * N * FLOAT))));
  const packed = K * up8(N) * FLOAT;
  const patchBytes = images * area * N * FLOAT;
  const panels = runtime.scratch(packed + patchBytes + runtime.threads * runtime.exports.gemmScratch(K) * FLOAT);
  const patches = panels + packed;
  runtime.run("packB", b, K, N, 1, panels);
  for (let image = 0; image < info.batchSize; image += images) {
    const count = Math.min(images, info.batchSize - image);
    const source = runtime.address(dy) + image * area * K * FLOAT;
    runtime.run("gemm", source, panels, patches, count * area, N, K, patches + patchBytes);
    const target = runtime.address(out) + image * info.inHeight * info.inWidth * info.inChannels * FLOAT;
    runtime.run("col2im", patches, target, count, ...geometry(info).slice(1));
  }
  return out;
}

const isFloat = (...tensors: TensorInfo[]) => tensors.every(({ dtype }) => dtype === "float32");
const isChannelsLast = (format: string | undefined) =>
  format === undefined || format === "NHWC" || format === "channelsLast";

export const runKernel = (name: string, inputs: Record<string, Tensor>, attrs: object): Tensor =>
  engine().runKernel(name, inputs, attrs as NamedAttrMap) as Tensor;

/**
 * Whether tfjs' own kernel leaves the output unwritten, or writes behind it: `"same"` where the filter is shorter than its
 * step (tensorflow/tfjs #6629, #8405), and outputs of another size than it expects.
 */
const isFaultyInTfjs = (info: ConvInfo): boolean =>
  info.padInfo.type === "SAME"
    ? info.strideHeight > info.effectiveFilterHeight || info.strideWidth > info.effectiveFilterWidth
    : !hasUsualSize(info);

/** The geometry with the output's sides as they are: tfjs does not hand on to gradients how the forward pass rounded them. */
const sizedBy = (info: ConvInfo, { shape }: TensorInfo): ConvInfo => ({
  ...info,
  outHeight: shape[1]!,
  outWidth: shape[2]!,
});

/** A convolution, its bias and its activation one after the other. */
function composedConvolution(name: string, inputs: Record<string, TensorInfo>, attrs: ConvAttributes): Tensor {
  const { x, filter, ...finish } = inputs as Record<string, Tensor>;
  return tidy(() => finishFused(runKernel(name, { x: x!, filter: filter! }, attrs), { ...finish, ...attrs }));
}

// Depthwise filters with several outputs a channel, [KH, KW, C, m], are filters with one output for each of C · m channels of
// the input, each m times. So are their gradients. tfjs' own kernel has faults of its own (see `isFaultyInTfjs`).

/** [B, H, W, C] to [B, H, W, C · m], each channel m times. */
const repeatChannels = (x: Tensor, { inShape, outChannels, inChannels }: ConvInfo): Tensor =>
  reshape(tile(reshape(x, [-1, 1]), [1, outChannels / inChannels]), [...inShape.slice(0, 3), outChannels]);

const oneOutputAChannel = (filter: Tensor, { filterHeight, filterWidth, outChannels }: ConvInfo): Tensor =>
  reshape(filter, [filterHeight, filterWidth, outChannels, 1]);

function multipliedConvolution(
  info: ConvInfo,
  inputs: { x: TensorInfo; filter: TensorInfo },
  attrs: ConvAttributes,
): Tensor {
  const { x, filter } = inputs as { x: Tensor; filter: Tensor };
  return tidy(() =>
    runKernel(DepthwiseConv2dNative, { x: repeatChannels(x, info), filter: oneOutputAChannel(filter, info) }, attrs),
  );
}

function multipliedInputGradient(
  info: ConvInfo,
  inputs: { dy: TensorInfo; filter: TensorInfo },
  attrs: ConvAttributes,
): Tensor {
  const { dy, filter } = inputs as { dy: Tensor; filter: Tensor };
  return tidy(() => {
    const { inShape, outChannels, inChannels } = info;
    const inputShape = [...inShape.slice(0, 3), outChannels];
    const single = { dy, filter: oneOutputAChannel(filter, info) };
    const dx = runKernel(DepthwiseConv2dNativeBackpropInput, single, { ...attrs, inputShape });
    return reshape(sum(reshape(dx, [-1, outChannels / inChannels]), 1), inShape);
  });
}

function multipliedFilterGradient(
  info: ConvInfo,
  inputs: { x: TensorInfo; dy: TensorInfo },
  attrs: ConvAttributes,
): Tensor {
  const { x, dy } = inputs as { x: Tensor; dy: Tensor };
  return tidy(() => {
    const filterShape = [info.filterHeight, info.filterWidth, info.outChannels, 1];
    const single = { x: repeatChannels(x, info), dy };
    const gradient = runKernel(DepthwiseConv2dNativeBackpropFilter, single, { ...attrs, filterShape });
    return reshape(gradient, attrs.filterShape!);
  });
}

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
    const info = convolutionInfo(x.shape, filter.shape, attrs);
    const out = runtime.output(info.outShape);
    const M = pixels(info);
    const K = patchLength(info);
    const N = info.outChannels;
    if (isPointwise(info)) {
      multiply(
        runtime,
        runtime.address(x),
        { M, K, N, b: runtime.address(filter), transposed: false },
        runtime.address(out),
      );
      return out;
    }
    const packed = K * up8(N) * FLOAT;
    const panels = runtime.scratch(packed + runtime.threads * runtime.exports.unitForwardScratch(K) * FLOAT);
    runtime.run("packB", runtime.address(filter), K, N, 0, panels);
    const args = [panels, runtime.address(out), M, N, K, 0, panels + packed];
    runtime.run("patchForward", runtime.address(x), ...args, ...geometry(info));
    return out;
  };

  return {
    Conv2D: conv2d,
    FusedConv2D: ({ inputs, attrs }) => {
      const { x, filter, bias, preluActivationWeights } = inputs as Record<string, TensorInfo>;
      const { activation } = attrs;
      if (!bias && (activation ?? "linear") === "linear") return conv2d({ inputs, attrs });
      if (!isChannelsLast(attrs.dataFormat) || !isFloat(x!, filter!, ...(bias ? [bias] : []))) return undefined;
      const info = convolutionInfo(x!.shape, filter!.shape, attrs);
      const sizes = { M: pixels(info), K: info.inChannels, N: info.outChannels };
      if (isFaultyInTfjs(info)) return composedConvolution(Conv2D, inputs, attrs);
      if (preluActivationWeights || !isClampActivation(activation) || !isPointwise(info)) return undefined;
      if (bias && util.sizeFromShape(bias.shape) !== sizes.N) return undefined;
      const out = runtime.output(info.outShape);
      multiplyBiased(runtime, runtime.address(x!), { ...sizes, b: filter!, bias, activation }, runtime.address(out));
      return out;
    },
    Conv2DBackpropInput: ({ inputs, attrs }) => {
      const { dy, filter } = inputs as { dy: TensorInfo; filter: TensorInfo };
      if (!isChannelsLast(attrs.dataFormat) || !isFloat(dy, filter)) return undefined;
      const info = sizedBy(convolutionInfo(attrs.inputShape!, filter.shape, attrs), dy);
      return inputGradient(runtime, info, dy, filter);
    },
    Conv2DBackpropFilter: ({ inputs, attrs }) => {
      const { x, dy } = inputs as { x: TensorInfo; dy: TensorInfo };
      if (!isChannelsLast(attrs.dataFormat) || !isFloat(x, dy)) return undefined;
      const info = sizedBy(convolutionInfo(x.shape, attrs.filterShape!, attrs), dy);
      const out = runtime.output(attrs.filterShape!);
      const M = patchLength(info);
      const N = info.outChannels;
      const depth = pixels(info);
      if (isPointwise(info)) {
        const sizes = { M, K: depth, N };
        multiplyTransposed(runtime, runtime.address(x), runtime.address(dy), sizes, runtime.address(out));
      } else {
        const apart = runtime.exports.unitBackwardScratch(M, N);
        const scratch = runtime.scratch(runtime.threads * apart * FLOAT);
        const args = [runtime.address(dy), 0, 0, runtime.address(x), depth, N, M, scratch];
        runtime.run("patchBackward", ...args, ...geometry(info));
        runtime.run("sumParts", scratch, apart, runtime.address(out), M, N);
      }
      return out;
    },
    DepthwiseConv2dNative: ({ inputs, attrs }) => {
      const { x, filter } = inputs as { x: TensorInfo; filter: TensorInfo };
      if (!isChannelsLast(attrs.dataFormat)) {
        // tfjs' own kernel would read the map as if its channels came last.
        throw new BackendError(
          `depthwiseConv2d: dataFormat must be NHWC on the wasm backend; got ${attrs.dataFormat}. Transpose x to [B, H, W, C].`,
        );
      }
      if (!isFloat(x, filter)) return undefined;
      const info = depthwiseInfo(x.shape, filter.shape, attrs);
      if (info.outChannels !== info.inChannels) return multipliedConvolution(info, { x, filter }, attrs);
      const scaled = isPointwise(info) && scaleChannels(runtime, x, { scale: filter });
      if (scaled) return scaled;
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
    FusedDepthwiseConv2D: ({ inputs, attrs }) => {
      const { x, filter } = inputs as { x: TensorInfo; filter: TensorInfo };
      if (!isChannelsLast(attrs.dataFormat) || !isFloat(x, filter)) return undefined;
      const info = depthwiseInfo(x.shape, filter.shape, attrs);
      return isFaultyInTfjs(info) ? composedConvolution(DepthwiseConv2dNative, inputs, attrs) : undefined;
    },
    DepthwiseConv2dNativeBackpropInput: ({ inputs, attrs }) => {
      const { dy, filter } = inputs as { dy: TensorInfo; filter: TensorInfo };
      const info = sizedBy(depthwiseInfo(attrs.inputShape!, filter.shape, attrs), dy);
      if (!isFloat(dy, filter)) return undefined;
      if (info.outChannels !== info.inChannels) return multipliedInputGradient(info, { dy, filter }, attrs);
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
      const info = sizedBy(depthwiseInfo(x.shape, attrs.filterShape!, attrs), dy);
      if (!isFloat(x, dy)) return undefined;
      if (info.outChannels !== info.inChannels) return multipliedFilterGradient(info, { x, dy }, attrs);
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

  function depthwiseInfo(
    inputShape: readonly number[],
    filterShape: readonly number[],
    attrs: ConvAttributes,
  ): ConvInfo {
    return convolutionInfo(inputShape, filterShape, { ...attrs, isDepthwise: true });
  }

  function depthwiseScratch(info: ConvInfo): number {
    return runtime.scratch(runtime.threads * runtime.exports.depthwiseScratch(info.filterHeight, info.filterWidth));
  }
}
