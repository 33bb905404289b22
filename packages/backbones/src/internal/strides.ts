import type { LayersModel, layers, SymbolicTensor } from "@tensorflow/tfjs-layers";

type Layer = layers.Layer;

const STRIDED = new Set(["Conv2D", "DepthwiseConv2D", "MaxPooling2D", "AveragePooling2D"]);

/** What lies between the last feature map and the landmarks. */
export const isHeadLayer = (name: string) => /^(head_|landmarks$)/.test(name);

/** How many pixels of the picture a step in each layer's output spans. */
export function stridesOf(model: LayersModel): Map<Layer, number> {
  const strides = new Map<Layer, number>();
  // Layers come in an order in which each follows what it reads.
  for (const layer of model.layers) {
    const nodes = layer.inboundNodes as unknown as { inputTensors: SymbolicTensor[] }[];
    const inputs = nodes.flatMap(({ inputTensors }) => inputTensors);
    const before = Math.max(1, ...inputs.map(({ sourceLayer }) => strides.get(sourceLayer) ?? 1));
    const { strides: own } = layer.getConfig() as { strides?: number[] };
    const step = STRIDED.has(layer.getClassName()) && Array.isArray(own) ? own[0]! : 1;
    strides.set(layer, before * step);
  }
  return strides;
}

/** Name of the stage that a layer belongs to: `"stride 8"`, or `"head"`. */
export const stageName = (layer: Layer, strides: Map<Layer, number>) =>
  isHeadLayer(layer.name) ? "head" : `stride ${strides.get(layer) ?? 1}`;
