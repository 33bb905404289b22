import type { layers } from "@tensorflow/tfjs-layers";

const MARK = Symbol("acr.infers-while-frozen");

/**
 * Lets a BatchNormalization use its moving statistics, and leave them as they are, in training too while it is frozen: so Keras does
 * since 2.2, and tfjs does not. Only this one layer is changed; it is saved as the stock one.
 */
export function inferWhileFrozen<T extends layers.Layer>(layer: T & { [MARK]?: boolean }): T {
  if (layer[MARK] || layer.getClassName() !== "BatchNormalization") return layer;
  const call = layer.call.bind(layer);
  layer.call = (inputs, kwargs) => call(inputs, isFrozen(layer) ? { ...kwargs, training: false } : kwargs);
  layer[MARK] = true;
  return layer;
}

/** Frozen itself, or with a model: `model.trainable = false` leaves its layers' own `trainable` as it is, and turns their weights. */
function isFrozen(layer: layers.Layer): boolean {
  if (!layer.trainable) return true;
  const { scale, center } = layer.getConfig();
  return Boolean(scale || center) && layer.trainableWeights.length === 0;
}
