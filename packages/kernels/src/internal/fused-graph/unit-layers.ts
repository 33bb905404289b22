import { add, cast, type Tensor, type Tensor4D, tidy } from "@tensorflow/tfjs-core";
import type { FusedActivation } from "../../fused-activation.js";
import {
  applyNorm,
  convUnit,
  convUnitInference,
  hasUnitKernels,
  movingAverage,
  plainConvolution,
} from "../conv-unit.js";
import type { StepMemory } from "../step-memory.js";
import type { Unit } from "./match-unit.js";
import { factorsOf, normalize } from "./norm-layer.js";
import { type Run, SharedWeightsLayer, single } from "./shared-weights-layer.js";
import { type ConvolutionLayer, convolutionOptions, geometryOf, isFrozen } from "./tfjs-layers.js";

/**
 * The `norm` tensors of deferred maps. A layer with two outputs would hand on both, but tfjs-layers runs a layer once for
 * each of its outputs.
 */
const NORMS = new WeakMap<Tensor, Tensor>();

/** The `norm` of a deferred map; `undefined` for a finished one. */
export const normOf = (map: Tensor): Tensor | undefined => NORMS.get(map);

/** A map as the kernels read it; the cast of one that is float already would cost a clone. */
export const asFloat = (x: Tensor4D): Tensor4D => (x.dtype === "float32" ? x : cast(x, "float32"));

const filterOf = (layer: ConvolutionLayer) => (layer.kernel ?? layer.depthwiseKernel).read() as Tensor4D;

/** A unit's map: deferred while the fused kernels train, else finished. */
export function unitLayer(
  unit: Unit,
  inputActivation: FusedActivation | undefined,
  budget: StepMemory,
): SharedWeightsLayer {
  const { convolution, norm, activation, options } = unit;
  const run: Run = (inputs, { training }) => {
    const x = single(inputs) as Tensor4D;
    const filter = filterOf(convolution);
    if (training && isFrozen(norm, unit.model)) {
      // Frozen: as in inference, but with a gradient, for what is in front may train.
      return tidy(() => {
        const inNorm = normOf(x);
        const input = inNorm ? applyNorm({ z: x, norm: inNorm, activation: inputActivation! }) : x;
        return normalize(norm, plainConvolution(input as Tensor4D, filter, options), activation, false);
      });
    }
    if (training && hasUnitKernels()) {
      budget.check(x.shape[0]);
      const inNorm = normOf(x);
      const result = tidy(() => {
        const input = inNorm ? { z: x, norm: inNorm, activation: inputActivation! } : asFloat(x);
        return convUnit(input, { filter, ...factorsOf(norm) }, options);
      });
      NORMS.set(result.z, result.norm);
      tidy(() => {
        norm.movingMean.write(movingAverage(norm.movingMean.read(), result.norm, "mean", norm.momentum));
        norm.movingVariance.write(movingAverage(norm.movingVariance.read(), result.norm, "variance", norm.momentum));
      });
      return result.z;
    }
    return tidy(() => {
      if (training || !hasUnitKernels())
        return normalize(norm, plainConvolution(x, filter, options), activation, training);
      const mean = norm.movingMean.read();
      const variance = norm.movingVariance.read();
      const weights = { filter, ...factorsOf(norm), mean, variance };
      return convUnitInference(asFloat(x), weights, { ...options, activation });
    });
  };
  return new SharedWeightsLayer(convolution.name, [convolution, norm], run, () => unit.shape);
}

/** The finished map of a unit, plus a residual. */
export function finishLayer(name: string, unit: Unit): SharedWeightsLayer {
  const run: Run = (inputs) => {
    const [z, residual] = (Array.isArray(inputs) ? inputs : [inputs]) as [Tensor4D, Tensor | undefined];
    const norm = normOf(z);
    if (norm) return applyNorm({ z, norm, activation: unit.activation }, residual);
    return residual ? add(z, residual) : z.clone();
  };
  return new SharedWeightsLayer(name, [], run, () => unit.shape);
}

/**
 * A convolution that is in no unit: tfjs' layers go through `fused.conv2d`, whose gradient always includes that of the
 * picture, and knows no dilation; this does not, and does. `undefined` for one with another data format, or with a bias
 * or an activation and no dilation.
 */
export function convolutionLayer(layer: ConvolutionLayer): SharedWeightsLayer | undefined {
  const geometry = geometryOf(layer);
  const isDilated = geometry?.dilations.some((dilation) => dilation > 1);
  if (!geometry || !(isDilated || convolutionOptions(layer))) return undefined;
  return SharedWeightsLayer.of(layer, (x) =>
    tidy(() => {
      const z = plainConvolution(single(x) as Tensor4D, filterOf(layer), { ...geometry, epsilon: 0 });
      const y = layer.useBias ? add(z, layer.bias.read()) : z;
      return layer.activation ? layer.activation.apply(y) : y;
    }),
  );
}
