import { ShapeError } from "@acr/core";
import {
  AvgPool,
  backend_util,
  DepthwiseConv2dNativeBackpropInput,
  div,
  fill,
  MaxPool,
  MaxPoolGrad,
  ones,
  pad as padTensor,
  reshape,
  slice,
  type Tensor,
  type TensorInfo,
  tidy,
} from "@tensorflow/tfjs-core";
import type { ConvAttributes, Shape4 } from "../internal/conv-attributes.js";
import { geometry, runKernel } from "./convolution-kernels.js";
import { hasUsualSize } from "./has-usual-size.js";
import type { WasmRuntime } from "./wasm-runtime.js";

type Shape5 = [number, number, number, number, number];
type Attributes = Pick<ConvAttributes, "strides" | "pad" | "dimRoundingMode"> & {
  filterSize: number | [number, number];
};
type Kernel = (call: { inputs: Record<string, TensorInfo>; attrs: Attributes }) => TensorInfo | undefined;
type PoolInfo = backend_util.Conv2DInfo;

const FLOAT = 4;

/** @throws {ShapeError} the window is larger than the map, for which tfjs' kernels write over their own memory. */
function infoOf(shape: number[], { filterSize, strides, pad, dimRoundingMode }: Attributes): PoolInfo {
  const info = backend_util.computePool2DInfo(shape as Shape4, filterSize, strides, 1, pad, dimRoundingMode);
  const { inHeight, inWidth, effectiveFilterHeight, effectiveFilterWidth } = info;
  if (info.outHeight < 1 || info.outWidth < 1) {
    throw new ShapeError(
      `pooling: the window of ${effectiveFilterHeight} × ${effectiveFilterWidth} pixels does not fit into a map of ${inHeight} × ${inWidth}. Use larger images, a smaller window, or padding "same".`,
    );
  }
  return info;
}

/** Whether tfjs' kernel computes these windows: as many as it expects, and none that lies in the padding alone. */
const isSoundInTfjs = (info: PoolInfo): boolean => {
  const { top, bottom, left, right } = info.padInfo;
  return (
    hasUsualSize(info) &&
    Math.min(top, bottom, left, right) >= 0 &&
    Math.max(top, bottom) < info.effectiveFilterHeight &&
    Math.max(left, right) < info.effectiveFilterWidth
  );
};

/** All windows of a map and nothing else: padded with `value`, or cut. Padding may be negative, as tfjs' `"same"` in space is. */
function fitted(x: Tensor, info: PoolInfo, value: number): Tensor {
  const { top, left } = info.padInfo;
  const height = (info.outHeight - 1) * info.strideHeight + info.effectiveFilterHeight;
  const width = (info.outWidth - 1) * info.strideWidth + info.effectiveFilterWidth;
  const rows = [Math.max(0, top), Math.max(0, height - top - info.inHeight)] as [number, number];
  const columns = [Math.max(0, left), Math.max(0, width - left - info.inWidth)] as [number, number];
  const padded = padTensor(x, [[0, 0], rows, columns, [0, 0]], value);
  return slice(padded, [0, Math.max(0, -top), Math.max(0, -left), 0], [x.shape[0]!, height, width, x.shape[3]!]);
}

const poolFitted = (name: string, x: Tensor, { filterHeight, filterWidth, strideHeight, strideWidth }: PoolInfo) =>
  runKernel(
    name,
    { x },
    { filterSize: [filterHeight, filterWidth], strides: [strideHeight, strideWidth], pad: "valid" },
  );

/** How much of each window lies inside the map, [1, OH, OW, 1]. */
const insideShare = (info: PoolInfo): Tensor =>
  poolFitted(AvgPool, fitted(ones([1, info.inHeight, info.inWidth, 1]), info, 0), info);

/** The two poolings one after the other that make one in three dimensions: of each plane, then along the depth. */
function twoPoolings(shape: Shape5, attrs: Attributes) {
  const { filterSize, strides, pad, dimRoundingMode } = attrs;
  const info = backend_util.computePool3DInfo(
    shape,
    filterSize as number,
    strides as number,
    1,
    pad as "same",
    dimRoundingMode,
  );
  const { front, back, top, bottom, left, right } = info.padInfo;
  const { inDepth, outDepth, outHeight, outWidth, batchSize: batch, inChannels: channels } = info;
  return {
    planes: [batch * inDepth, info.inHeight, info.inWidth, channels],
    ofPlanes: {
      filterSize: [info.filterHeight, info.filterWidth],
      strides: [info.strideHeight, info.strideWidth],
      pad: [
        [0, 0],
        [top, bottom],
        [left, right],
        [0, 0],
      ],
      dimRoundingMode,
    },
    pooledPlanes: [batch * inDepth, outHeight, outWidth, channels],
    columns: [batch, inDepth, outHeight * outWidth, channels],
    ofColumns: {
      filterSize: [info.filterDepth, 1],
      strides: [info.strideDepth, 1],
      pad: [
        [0, 0],
        [front, back],
        [0, 0],
        [0, 0],
      ],
      dimRoundingMode,
    },
    pooledColumns: [batch, outDepth, outHeight * outWidth, channels],
    outShape: info.outShape,
  };
}

/**
 * Pooling where tfjs' wasm kernels give wrong numbers. Those of the largest value's way back, and of three dimensions, begin
 * with the smallest positive number instead of −∞, so that windows without a positive value get none.
 */
export function poolKernels(runtime: WasmRuntime): Record<string, Kernel> {
  return {
    MaxPool: ({ inputs, attrs }) => {
      const info = infoOf(inputs.x!.shape, attrs);
      if (inputs.x!.dtype !== "float32" || isSoundInTfjs(info)) return undefined;
      return tidy(() => poolFitted(MaxPool, fitted(inputs.x as Tensor, info, Number.NEGATIVE_INFINITY), info));
    },

    AvgPool: ({ inputs, attrs }) => {
      const info = infoOf(inputs.x!.shape, attrs);
      if (inputs.x!.dtype !== "float32" || isSoundInTfjs(info)) return undefined;
      return tidy(() => div(poolFitted(AvgPool, fitted(inputs.x as Tensor, info, 0), info), insideShare(info)));
    },

    MaxPoolGrad: ({ inputs, attrs }) => {
      const { dy, input } = inputs as { dy: TensorInfo; input: TensorInfo };
      if (input.dtype !== "float32" || dy.dtype !== "float32") return undefined;
      const [, outHeight, outWidth] = dy.shape as Shape4;
      // tfjs does not hand on how the forward pass rounded.
      const info = { ...infoOf(input.shape, attrs), outHeight, outWidth };
      const dx = runtime.output(input.shape);
      const scratch = runtime.scratch(runtime.threads * runtime.exports.maxPoolGradientScratch() * FLOAT);
      const args = [runtime.address(input), runtime.address(dy), runtime.address(dx), ...geometry(info), scratch];
      runtime.run("maxPoolGradient", ...args);
      return dx;
    },

    AvgPoolGrad: ({ inputs, attrs }) => {
      const { dy, input } = inputs as { dy: Tensor; input: TensorInfo };
      const [, outHeight, outWidth, channels] = dy.shape as Shape4;
      const expected = infoOf(input.shape, attrs);
      if (expected.outHeight === outHeight && expected.outWidth === outWidth) return undefined;
      const info = { ...expected, outHeight, outWidth };
      return tidy(() => {
        const { filterHeight, filterWidth } = info;
        const filter = fill([filterHeight, filterWidth, channels, 1], 1 / (filterHeight * filterWidth));
        const convolution = { strides: attrs.strides, pad: attrs.pad, inputShape: input.shape };
        return runKernel(DepthwiseConv2dNativeBackpropInput, { dy: div(dy, insideShare(info)), filter }, convolution);
      });
    },

    MaxPool3D: ({ inputs, attrs }) => {
      const x = inputs.x as Tensor;
      const { planes, ofPlanes, columns, ofColumns, outShape } = twoPoolings(x.shape as Shape5, attrs);
      return tidy(() => {
        const pooled = runKernel(MaxPool, { x: reshape(x, planes) }, ofPlanes);
        return reshape(runKernel(MaxPool, { x: reshape(pooled, columns) }, ofColumns), outShape);
      });
    },

    MaxPool3DGrad: ({ inputs, attrs }) => {
      const { dy, input } = inputs as { dy: Tensor; input: Tensor };
      const parts = twoPoolings(input.shape as Shape5, attrs);
      return tidy(() => {
        const x = reshape(input, parts.planes);
        const pooled = runKernel(MaxPool, { x }, parts.ofPlanes);
        const last = { dy: reshape(dy, parts.pooledColumns), input: reshape(pooled, parts.columns) };
        const dPooled = reshape(runKernel(MaxPoolGrad, last, parts.ofColumns), parts.pooledPlanes);
        return reshape(runKernel(MaxPoolGrad, { dy: dPooled, input: x }, parts.ofPlanes), input.shape);
      });
    },
  };
}
