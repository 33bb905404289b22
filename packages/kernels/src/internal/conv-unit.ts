import { BackendError } from "@acr/core";
import {
  type backend_util,
  batchToSpaceND,
  Conv2DBackpropFilter,
  conv2d,
  customGrad,
  DepthwiseConv2dNativeBackpropFilter,
  depthwiseConv2d,
  engine,
  getBackend,
  getKernel,
  spaceToBatchND,
  type Tensor,
  type Tensor4D,
} from "@tensorflow/tfjs-core";
import type { FusedActivation } from "../fused-activation.js";
import { MEAN_ROW, NORM_APPLY, UNIT, UNIT_DEFERRED, UNIT_INFERENCE, VARIANCE_ROW } from "../wasm/unit-kernels.js";
import { convolutionInfo } from "./convolution-info.js";
import { currentWasmRuntime } from "./current-wasm-runtime.js";

/**
 * A feature map that is not yet normalised: y = activation(z · scale + shift), with `norm` [4, C] = scale, shift, mean,
 * variance. Whoever reads it applies that on the way.
 *
 * Gradients follow a protocol of their own: the reader gives `z` the gradient g behind the normalisation (that is
 * dL/dy · activation′) and `norm` the sums Σg and Σg·(z − mean) in its first two rows; the unit that made z turns both
 * into the gradient of the convolution. Both are linear, so several readers add up.
 */
export interface Deferred {
  z: Tensor4D;
  norm: Tensor;
  activation: FusedActivation;
}

/** A convolution with the normalisation behind it. */
export interface UnitOptions {
  isDepthwise: boolean;
  strides: [number, number];
  dilations: [number, number];
  pad: "same" | "valid" | backend_util.ExplicitPadding;
  epsilon: number;
}

/** Whether units run on this backend: fused kernels are registered. */
export const hasUnitKernels = (): boolean => currentWasmRuntime() !== undefined;

/** Geometry of a unit. */
export function unitInfo(
  inputShape: number[],
  filterShape: number[],
  { strides, dilations, pad, isDepthwise }: UnitOptions,
): backend_util.Conv2DInfo {
  return convolutionInfo(inputShape, filterShape, { strides, dilations, pad, isDepthwise });
}

/** Training: convolution of a plain or deferred map, to a deferred one (its activation is the caller's to say). */
export function convUnit(
  input: Tensor4D | Deferred,
  { filter, gamma, beta }: { filter: Tensor4D; gamma: Tensor; beta: Tensor },
  options: UnitOptions,
): { z: Tensor4D; norm: Tensor } {
  const deferred = "z" in input ? input : undefined;
  const x = deferred ? deferred.z : (input as Tensor4D);
  const info = unitInfo(x.shape, filter.shape, options);
  const inputs = { x, ...(deferred && { norm: deferred.norm }), filter, gamma, beta };
  const attrs = {
    info,
    isDepthwise: options.isDepthwise,
    epsilon: options.epsilon,
    activation: deferred?.activation ?? "linear",
  };
  const [z, norm] = engine().runKernel(deferred ? UNIT_DEFERRED : UNIT, inputs, attrs as never) as unknown as [
    Tensor4D,
    Tensor,
  ];
  return { z, norm };
}

/** Inference: activation(normalised convolution) with given moments. */
export function convUnitInference(
  x: Tensor4D,
  weights: { filter: Tensor4D; gamma: Tensor; beta: Tensor; mean: Tensor; variance: Tensor },
  options: UnitOptions & { activation: FusedActivation },
): Tensor4D {
  const info = unitInfo(x.shape, weights.filter.shape, options);
  const attrs = {
    info,
    isDepthwise: options.isDepthwise,
    epsilon: options.epsilon,
    activation: options.activation,
  };
  return engine().runKernel(UNIT_INFERENCE, { x, ...weights }, attrs as never) as Tensor4D;
}

/**
 * The convolution alone, of tfjs operations. While gradients are recorded, a dilated one is computed in pieces that are not
 * dilated wherever tfjs would have to make its gradient, for tfjs has none.
 *
 * @throws {BackendError} from its gradient, where the backend has none: on wasm while the training kernels are not registered.
 */
export function plainConvolution(x: Tensor4D, filter: Tensor4D, options: UnitOptions): Tensor4D {
  const { strides, pad, dilations, isDepthwise } = options;
  const convolve = (x: Tensor4D, filter: Tensor4D) =>
    isDepthwise
      ? depthwiseConv2d(x, filter, strides, pad as never, "NHWC", dilations)
      : conv2d(x, filter, strides, pad, "NHWC", dilations);
  const backendName = getBackend();
  if (getKernel(isDepthwise ? DepthwiseConv2dNativeBackpropFilter : Conv2DBackpropFilter, backendName)) {
    const needsPieces = dilations.some((dilation) => dilation > 1) && !hasUnitKernels();
    return needsPieces && engine().state.gradientDepth > 0 ? inPieces(x, filter, options) : convolve(x, filter);
  }
  const withoutGradient = customGrad((x, filter) => ({
    value: convolve(x as Tensor4D, filter as Tensor4D),
    gradFunc: () => {
      throw new BackendError(
        `convolution: the ${backendName} backend has no gradient of it without the training kernels, which are not registered (or undone). Call registerTrainingKernels() of @acr/kernels, or setupBackend() of @acr/backend, before training.`,
      );
    },
  }));
  return withoutGradient(x, filter);
}

/** A dilated convolution, whose strides are 1: each residue class of the pixels is convolved alone, without dilation. */
function inPieces(x: Tensor4D, filter: Tensor4D, options: UnitOptions): Tensor4D {
  const { isDepthwise, dilations } = options;
  const { padInfo, inHeight, inWidth } = unitInfo(x.shape, filter.shape, options);
  const { top, bottom, left, right } = padInfo;
  // As many pixels more at the end as make pieces of one size; their outputs are cut off.
  const rows = excess(inHeight + top + bottom, dilations[0]);
  const columns = excess(inWidth + left + right, dilations[1]);
  const pieces = spaceToBatchND(x, dilations, [
    [top, bottom + rows],
    [left, right + columns],
  ]) as Tensor4D;
  const y = isDepthwise ? depthwiseConv2d(pieces, filter, 1, "valid") : conv2d(pieces, filter, 1, "valid");
  return batchToSpaceND(y, dilations, [
    [0, rows],
    [0, columns],
  ]) as Tensor4D;
}

/** What is missing to a multiple. */
const excess = (size: number, divisor: number) => (divisor - (size % divisor)) % divisor;

/** y = activation(z · scale + shift) + residual, as a plain map. */
export function applyNorm({ z, norm, activation }: Deferred, residual?: Tensor): Tensor {
  const inputs = { z, norm, ...(residual && { residual }) };
  return engine().runKernel(NORM_APPLY, inputs, { activation } as never) as Tensor;
}

/** moving + (mean or variance of `norm` − moving) · (1 − momentum). No gradient passes here, so tfjs' tape need not know of it. */
export function movingAverage(moving: Tensor, norm: Tensor, which: "mean" | "variance", momentum: number): Tensor {
  const runtime = currentWasmRuntime()!;
  const out = runtime.output(moving.shape);
  const row = which === "mean" ? MEAN_ROW : VARIANCE_ROW;
  const value = runtime.address(norm) + row * moving.size * Float32Array.BYTES_PER_ELEMENT;
  runtime.exports.movingAverage(runtime.address(moving), value, runtime.address(out), moving.size, momentum);
  return engine().makeTensorFromTensorInfo(out);
}
