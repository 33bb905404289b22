import type { layers } from "@tensorflow/tfjs-layers";

const MARK = Symbol("acr.infers-while-frozen");

/**
 * Lets a BatchNormalization use its moving statistics, and leave them as they are, in training too while its `trainable` is false: so
 * Keras does since 2.2, and tfjs does not. Only this one layer is changed; it is saved as the stock one.
 */
export function inferWhileFrozen(layer: layers.Layer & { [MARK]?: boolean }): void {
  if (layer[MARK] || layer.getClassName() !== "BatchNormalization") return;
  const call = layer.call.bind(layer);
  layer.call = (inputs, kwargs) => call(inputs, layer.trainable ? kwargs : { ...kwargs, training: false });
  layer[MARK] = true;
}
