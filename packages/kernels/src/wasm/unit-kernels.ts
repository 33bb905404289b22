import { type backend_util, type TensorInfo, util } from "@tensorflow/tfjs-core";
import { ACTIVATION_CODES, type FusedActivation } from "../fused-activation.js";
import { geometry, inputGradient, isPointwise, patchLength, pixels } from "./convolution-kernels.js";
import { up8 } from "./matrix-products.js";
import type { WasmRuntime } from "./wasm-runtime.js";

/** Names of the kernels of convolution units; see `internal/conv-unit.ts` for what they compute. */
export const UNIT = "AcrConvUnit";
/** The same on a deferred input, which has `norm` among its inputs. */
export const UNIT_DEFERRED = "AcrConvUnitDeferred";
export const UNIT_GRADIENT = "AcrConvUnitGradient";
/** The gradient of the input of a unit with a filter of several pixels. */
export const UNIT_INPUT_GRADIENT = "AcrConvUnitInputGradient";
export const UNIT_INFERENCE = "AcrConvUnitInference";
export const NORM_APPLY = "AcrNormApply";
export const NORM_APPLY_GRADIENT = "AcrNormApplyGradient";

/** Attributes of the unit kernels. */
export interface UnitAttributes {
  info: backend_util.Conv2DInfo;
  isDepthwise: boolean;
  epsilon: number;
  /** Of the normalisation in front, where `norm` is given; of the one behind, in inference. */
  activation: FusedActivation;
}

type Call<Attributes> = { inputs: Record<string, TensorInfo>; attrs: Attributes };

const FLOAT = 4;

/** Rows of a `norm` tensor [4, C]: scale, shift, mean, variance. */
export const NORM_ROWS = 4;
export const MEAN_ROW = 2;
export const VARIANCE_ROW = 3;

/** Convolution units and what joins them, by kernel name. */
export function unitKernels(
  runtime: WasmRuntime,
): Record<string, (call: Call<never>) => TensorInfo | TensorInfo[] | undefined> {
  const { exports, threads } = runtime;
  const at = (tensor: TensorInfo | undefined) => (tensor ? runtime.address(tensor) : 0);
  const rowOf = (norm: TensorInfo | undefined, row: number) =>
    norm ? runtime.address(norm) + row * norm.shape[1]! * FLOAT : 0;
  const sumBytes = (C: number) => exports.sumsSize(C, threads);

  const depthwiseScratch = (info: UnitAttributes["info"]) =>
    exports.depthwiseUnitForwardScratch(
      info.inWidth,
      info.inChannels,
      info.filterHeight,
      info.filterWidth,
      info.strideWidth,
      info.dilationHeight,
      info.dilationWidth,
      info.padInfo.left,
      info.outWidth,
    );

  /** Runs the convolution; returns where the threads' sums of the output are. */
  const convolve = (
    { x, norm, filter }: { x: TensorInfo; norm?: TensorInfo; filter: TensorInfo },
    { info, isDepthwise, activation }: UnitAttributes,
    z: TensorInfo,
  ): number => {
    const N = info.outChannels;
    const K = isDepthwise ? 0 : patchLength(info);
    const M = pixels(info);
    const own = isDepthwise ? depthwiseScratch(info) : exports.unitForwardScratch(K);
    const panelBytes = K * up8(N) * FLOAT;
    const sums = runtime.scratch(sumBytes(N) + panelBytes + threads * own * FLOAT);
    const panels = sums + sumBytes(N);
    const scratch = panels + panelBytes;
    const code = ACTIVATION_CODES[activation];
    if (isDepthwise) {
      const args = [at(x), at(norm), code, 0, 0, at(filter), at(z), sums, scratch];
      runtime.run("depthwiseUnitForward", ...args, ...geometry(info));
      return sums;
    }
    runtime.run("packB", at(filter), K, N, 0, panels);
    if (isPointwise(info)) {
      runtime.run("unitForward", at(x), at(norm), code, panels, at(z), M, N, K, sums, scratch);
    } else {
      runtime.run("patchForward", at(x), panels, at(z), M, N, K, sums, scratch, ...geometry(info));
    }
    return sums;
  };

  const unit = ({ inputs, attrs }: Call<UnitAttributes>): TensorInfo[] => {
    const { x, norm: inNorm, filter, gamma, beta } = inputs;
    const { info, epsilon } = attrs;
    const C = info.outChannels;
    const z = runtime.output(info.outShape);
    const norm = runtime.output([NORM_ROWS, C]);
    const sums = convolve({ x: x!, norm: inNorm, filter: filter! }, attrs, z);
    const mean = rowOf(norm, MEAN_ROW);
    const variance = rowOf(norm, VARIANCE_ROW);
    exports.normMoments(sums, threads, pixels(info), C, mean, variance);
    exports.normFactors(at(gamma), at(beta), mean, variance, epsilon, C, at(norm));
    return [z, norm];
  };

  const unitGradient = ({ inputs, attrs }: Call<UnitAttributes>): TensorInfo[] => {
    const { g, sums, x, norm: inNorm, filter, gamma, z, ownNorm } = inputs as Record<string, TensorInfo>;
    const { info, epsilon, isDepthwise, activation } = attrs;
    const N = info.outChannels;
    const K = isDepthwise ? N : patchLength(info);
    const M = pixels(info);
    const code = ACTIVATION_CODES[activation];
    const dGamma = runtime.output([N]);
    const dBeta = runtime.output([N]);
    const dFilter = runtime.output(filter!.shape);
    const dNorm = inNorm ? runtime.output([NORM_ROWS, info.inChannels]) : undefined;
    const isBlocked = isDepthwise || isPointwise(info);
    const dx = isBlocked ? runtime.output(info.inShape) : undefined;
    const apart = isDepthwise
      ? exports.depthwiseUnitBackwardScratch(
          info.inWidth,
          info.inChannels,
          info.filterHeight,
          info.filterWidth,
          info.strideHeight,
          info.strideWidth,
          info.dilationHeight,
          info.dilationWidth,
          info.padInfo.left,
          info.outWidth,
        )
      : exports.unitBackwardScratch(K, N);
    const factorBytes = 3 * N * FLOAT;
    const inSumBytes = sumBytes(info.inChannels);
    const panelBytes = isDepthwise ? 0 : up8(K) * N * FLOAT;
    const factors = runtime.scratch(factorBytes + inSumBytes + panelBytes + threads * apart * FLOAT);
    const inSums = factors + factorBytes;
    const panels = inSums + inSumBytes;
    const scratch = panels + panelBytes;
    exports.normGradientFactors(
      at(sums),
      M,
      N,
      at(gamma),
      rowOf(ownNorm, MEAN_ROW),
      rowOf(ownNorm, VARIANCE_ROW),
      epsilon,
      at(dGamma),
      at(dBeta),
      factors,
    );
    const mean = rowOf(inNorm, MEAN_ROW);
    if (isDepthwise) {
      runtime.run(
        "depthwiseUnitBackward",
        at(g),
        at(z),
        factors,
        at(x),
        at(inNorm),
        mean,
        code,
        at(filter),
        at(dx),
        inSums,
        scratch,
        ...geometry(info),
      );
      runtime.run("sumVectors", scratch, apart, at(dFilter), info.filterHeight * info.filterWidth * N);
    } else if (isBlocked) {
      runtime.run("packB", at(filter), N, K, 1, panels);
      const args = [at(g), at(z), factors, at(x), at(inNorm), mean, code, panels, at(dx), inSums, M, N, K, scratch];
      runtime.run("unitBackward", ...args);
      runtime.run("sumParts", scratch, apart, at(dFilter), K, N);
    } else {
      runtime.run("patchBackward", at(g), at(z), factors, at(x), M, N, K, scratch, ...geometry(info));
      runtime.run("sumParts", scratch, apart, at(dFilter), K, N);
    }
    if (dNorm) {
      runtime.floats(dNorm).fill(0);
      exports.normMergeSums(inSums, threads, info.inChannels, at(dNorm));
    }
    return [dFilter, dGamma, dBeta, ...(dx ? [dx] : []), ...(dNorm ? [dNorm] : [])];
  };

  const unitInputGradient = ({ inputs, attrs: { info, epsilon } }: Call<UnitAttributes>): TensorInfo => {
    const { g, sums, filter, gamma, z, ownNorm } = inputs;
    const N = info.outChannels;
    const dz = runtime.output(info.outShape);
    // The gradients of γ and β come along and are not needed.
    const factors = runtime.scratch(5 * N * FLOAT);
    const unused = factors + 3 * N * FLOAT;
    const moments = [rowOf(ownNorm, MEAN_ROW), rowOf(ownNorm, VARIANCE_ROW)];
    const M = pixels(info);
    exports.normGradientFactors(at(sums), M, N, at(gamma), ...moments, epsilon, unused, unused + N * FLOAT, factors);
    runtime.run("normGradient", at(z), at(g), at(dz), M, N, factors);
    const dx = inputGradient(runtime, info, dz, filter!);
    runtime.backend.disposeData(dz.dataId);
    return dx;
  };

  const inference = ({ inputs, attrs }: Call<UnitAttributes>): TensorInfo => {
    const { x, filter, gamma, beta, mean, variance } = inputs as Record<string, TensorInfo>;
    const { info, epsilon, activation, isDepthwise } = attrs;
    const N = info.outChannels;
    const code = ACTIVATION_CODES[activation];
    const y = runtime.output(info.outShape);
    const factorBytes = 2 * N * FLOAT;
    const fillFactors = (factors: number) =>
      exports.normFactors(at(gamma), at(beta), at(mean), at(variance), epsilon, N, factors);
    if (isDepthwise) {
      const factors = runtime.scratch(factorBytes + runtime.threads * depthwiseScratch(info) * FLOAT);
      fillFactors(factors);
      const args = [at(x), 0, 0, factors, code, at(filter), at(y), 0, factors + factorBytes];
      runtime.run("depthwiseUnitForward", ...args, ...geometry(info));
      return y;
    }
    const K = patchLength(info);
    const key = [gamma!.dataId, beta!.dataId, mean!.dataId, variance!.dataId, epsilon];
    const panels = runtime.folded.get(filter!, key, exports.foldedSize(K, N) * FLOAT, (address) => {
      const factors = runtime.scratch(factorBytes + K * N * FLOAT);
      fillFactors(factors);
      exports.foldNorm(at(filter), factors, K, N, address, factors + factorBytes);
    });
    const scratch = runtime.scratch(runtime.threads * exports.unitForwardScratch(K) * FLOAT);
    const args = [at(x), panels, at(y), pixels(info), N, K, code, scratch];
    if (isPointwise(info)) runtime.run("foldedForward", ...args);
    else runtime.run("foldedPatchForward", ...args, ...geometry(info));
    return y;
  };

  return {
    [UNIT]: unit,
    [UNIT_DEFERRED]: unit,
    [UNIT_GRADIENT]: unitGradient,
    [UNIT_INPUT_GRADIENT]: unitInputGradient,
    [UNIT_INFERENCE]: inference,
    [NORM_APPLY]: ({ inputs, attrs }: Call<{ activation: FusedActivation }>) => {
      const { z, norm, residual } = inputs;
      const C = z!.shape.at(-1)!;
      const y = runtime.output(z!.shape);
      const M = util.sizeFromShape(z!.shape) / C;
      runtime.run("normApply", at(z), at(y), M, C, at(norm), ACTIVATION_CODES[attrs.activation], at(residual));
      return y;
    },
    [NORM_APPLY_GRADIENT]: ({ inputs, attrs }: Call<{ activation: FusedActivation }>) => {
      const { dy, z, norm } = inputs as Record<string, TensorInfo>;
      const C = z!.shape.at(-1)!;
      const M = util.sizeFromShape(z!.shape) / C;
      const isLinear = attrs.activation === "linear";
      const g = isLinear ? runtime.share(dy!) : runtime.output(z!.shape);
      const dNorm = runtime.output([NORM_ROWS, C]);
      const sums = runtime.scratch(sumBytes(C));
      const args = [M, C, at(norm), ACTIVATION_CODES[attrs.activation], sums];
      runtime.run("normGradientSums", at(z), at(dy), isLinear ? 0 : at(g), rowOf(norm, MEAN_ROW), ...args);
      runtime.floats(dNorm).fill(0);
      exports.normMergeSums(sums, threads, C, at(dNorm));
      return [g, dNorm];
    },
  } as Record<string, (call: Call<never>) => TensorInfo | TensorInfo[]>;
}
