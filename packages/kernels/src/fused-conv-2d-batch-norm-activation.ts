import { checkOptions, InvalidArgumentError, ShapeError } from "@acr/core";
import { reshape, slice, type Tensor, type Tensor1D, type Tensor4D } from "@tensorflow/tfjs-core";
import { COMPOSED_ACTIVATIONS, type FusedActivation } from "./fused-activation.js";
import { fusedBatchNormActivation } from "./fused-batch-norm-activation.js";
import {
  applyNorm,
  convUnit,
  convUnitInference,
  hasUnitKernels,
  plainConvolution,
  type UnitOptions,
} from "./internal/conv-unit.js";

/** Options of `fusedConv2dBatchNormActivation`. */
export interface FusedConvOptions {
  /** One filter for each channel. Default false. */
  depthwise?: boolean;
  /** Rows and columns that the filter moves on, >= 1. Default [1, 1]. */
  strides?: [number, number];
  /** Distance of the filter's taps, >= 1. Default [1, 1]. Only `wasm` with registered kernels has gradients of dilated convolutions. */
  dilations?: [number, number];
  /** `"same"`, `"valid"` or pixels [[0, 0], [top, bottom], [left, right], [0, 0]]. Default `"same"`. */
  pad?: UnitOptions["pad"];
  /** Added to the variance, > 0. Default 1e-3. */
  epsilon?: number;
  /** Behind the normalisation. Default `"linear"`. */
  activation?: FusedActivation;
  /** Moments to normalise with (inference). Absent: those of the batch (training). */
  moments?: { mean: Tensor; variance: Tensor };
}

const OPTIONS = ["depthwise", "strides", "dilations", "pad", "epsilon", "activation", "moments"];

/**
 * Convolution without bias, batch normalisation and activation (Ioffe and Szegedy 2015, arXiv:1502.03167):
 *
 *   y = activation(γ · (x ∗ filter − mean) / √(variance + ε) + β)
 *
 * On `wasm` with registered kernels the sums of the normalisation are taken while the convolution's output is in the
 * cache, and backward the gradients of x and the filter come from one pass. Elsewhere, and where the output channels are
 * no multiple of 4, it is composed of tfjs operations. Differentiable in x, filter, γ and β; not in the moments.
 *
 * @param x - `[B, H, W, C]` float32.
 * @param weights.filter - `[KH, KW, C, D]`, or `[KH, KW, C, 1]` with `depthwise`.  @param weights.gamma - `[D]`.
 * @param weights.beta - `[D]`.
 * @returns `y` `[B, OH, OW, D]` and the `mean` and population `variance` used, `[D]`. Owned by the caller.
 * @throws {InvalidArgumentError} an unknown option or activation.  @throws {ShapeError} ranks or channels do not fit.
 * @example
 * const { y } = fusedConv2dBatchNormActivation(x, { filter, gamma, beta }, { strides: [2, 2], activation: "relu6" });
 */
export function fusedConv2dBatchNormActivation(
  x: Tensor4D,
  { filter, gamma, beta }: { filter: Tensor4D; gamma: Tensor; beta: Tensor },
  options: FusedConvOptions = {},
): { y: Tensor4D; mean: Tensor1D; variance: Tensor1D } {
  const caller = "fusedConv2dBatchNormActivation";
  checkOptions(caller, options, OPTIONS);
  const {
    depthwise: isDepthwise = false,
    strides = [1, 1],
    dilations = [1, 1],
    pad = "same",
    epsilon = 1e-3,
    activation = "linear",
    moments,
  } = options;
  if (!Object.hasOwn(COMPOSED_ACTIVATIONS, activation)) {
    throw new InvalidArgumentError(
      `${caller}: activation must be one of ${Object.keys(COMPOSED_ACTIVATIONS).join(", ")}; got ${activation}.`,
    );
  }
  const channels = isDepthwise ? filter.shape[2] : filter.shape[3];
  if (x.rank !== 4 || filter.rank !== 4 || x.shape[3] !== filter.shape[2] || (isDepthwise && filter.shape[3] !== 1)) {
    throw new ShapeError(
      `${caller}: x must be [B, H, W, C] and filter [KH, KW, C, ${isDepthwise ? 1 : "D"}]; got [${x.shape}] and [${filter.shape}].`,
    );
  }
  if (gamma.size !== channels || beta.size !== channels) {
    throw new ShapeError(`${caller}: gamma and beta must be [${channels}]; got [${gamma.shape}] and [${beta.shape}].`);
  }
  const unit: UnitOptions = { isDepthwise, strides, dilations, pad, epsilon };
  const isFused = hasUnitKernels() && channels % 4 === 0 && x.dtype === "float32";
  if (!isFused) {
    const z = plainConvolution(x, filter, unit);
    return fusedBatchNormActivation(z, gamma, beta, { epsilon, activation, moments }) as ReturnType<
      typeof fusedConv2dBatchNormActivation
    >;
  }
  if (moments) {
    const y = convUnitInference(x, { filter, gamma, beta, ...moments }, { ...unit, activation });
    return { y, mean: moments.mean as Tensor1D, variance: moments.variance as Tensor1D };
  }
  const { z, norm } = convUnit(x, { filter, gamma, beta }, unit);
  const row = (index: number) => reshape(slice(norm, [index, 0], [1, channels]), [channels]) as Tensor1D;
  return { y: applyNorm({ z, norm, activation }) as Tensor4D, mean: row(2), variance: row(3) };
}
