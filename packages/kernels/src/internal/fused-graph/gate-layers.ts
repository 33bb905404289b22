import { mul, type Tensor, type Tensor4D } from "@tensorflow/tfjs-core";
import type { FusedActivation } from "../../fused-activation.js";
import { hasUnitKernels } from "../conv-unit.js";
import { areaMean, gate } from "../gate.js";
import { squeezeExcite } from "../squeeze-excite.js";
import type { Excite } from "./match-excite.js";
import { type Run, SharedWeightsLayer, single } from "./shared-weights-layer.js";
import { activationOf, type Layer, type Shape } from "./tfjs-layers.js";
import { asFloat, normOf } from "./unit-layers.js";

/** Squeeze and excite of a unit's deferred map or, without one, of a plain map. */
export function exciteLayer(
  name: string,
  { pooling, reshape, reduce, expand }: Excite,
  shape: Shape,
  inputActivation: FusedActivation,
): SharedWeightsLayer {
  const steps = [pooling, reshape, reduce, expand];
  const run: Run = (inputs, kwargs) => {
    const x = single(inputs) as Tensor4D;
    if (!hasUnitKernels()) {
      const gates = steps.reduce<Tensor>((y, layer) => single(layer.call(y, kwargs as never)), x);
      return mul(x, gates);
    }
    const [w1, b1, w2, b2] = [reduce, expand].flatMap(({ kernel, bias }) => [kernel.read(), bias.read()]) as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ];
    const attributes = {
      activation: inputActivation,
      hiddenActivation: activationOf(reduce) as FusedActivation,
    };
    return squeezeExcite(asFloat(x), normOf(x), { w1, b1, w2, b2 }, attributes);
  };
  return new SharedWeightsLayer(name, steps, run, () => shape);
}

/** The product of a map and its gates, [B, H, W, C] · [B, 1, 1, C]. */
export const gateLayer = (product: Layer): SharedWeightsLayer =>
  SharedWeightsLayer.of(product, (maps) => {
    const [x, gates] = maps as [Tensor4D, Tensor4D];
    return x.shape[0] === gates.shape[0] ? gate(x, gates) : mul(x, gates);
  });

/** A GlobalAveragePooling2D. */
export const areaMeanLayer = (pooling: Layer): SharedWeightsLayer =>
  SharedWeightsLayer.of(pooling, (x) => areaMean(single(x) as Tensor4D));
