import type { LayersModel, SymbolicTensor } from "@tensorflow/tfjs-layers";
import type { Layer } from "./tfjs-layers.js";

interface GraphNode {
  inputTensors: SymbolicTensor[];
}

const nodesOf = (layer: Layer) => layer.inboundNodes as unknown as GraphNode[];

/** Whether a layer stands in one place only. */
export const isUsedOnce = (layer: Layer) => layer.inboundNodes.length === 1;

/** What the layer that made a tensor read for it. */
export const inputsOf = (tensor: SymbolicTensor): SymbolicTensor[] =>
  nodesOf(tensor.sourceLayer)[tensor.nodeIndex]!.inputTensors;

/** Who reads what in a model. */
export class ModelGraph {
  private readonly consumers = new Map<SymbolicTensor, number>();

  constructor(readonly model: LayersModel) {
    const count = (tensor: SymbolicTensor) => this.consumers.set(tensor, this.consumerCount(tensor) + 1);
    model.outputs.forEach(count);
    for (const layer of model.layers) {
      for (const node of nodesOf(layer)) node.inputTensors.forEach(count);
    }
  }

  /** How many layers and model outputs read a tensor. */
  consumerCount(tensor: SymbolicTensor): number {
    return this.consumers.get(tensor) ?? 0;
  }

  hasOneConsumer(tensor: SymbolicTensor): boolean {
    return this.consumerCount(tensor) === 1;
  }
}
