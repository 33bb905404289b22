import type { SymbolicTensor } from "@tensorflow/tfjs-layers";
import { ACTIVATION_CODES } from "../../fused-activation.js";
import { inputsOf, isUsedOnce, type ModelGraph } from "./model-graph.js";
import { activationOf, type ConvolutionLayer, isChannelsLast, isGate, type Layer, typeOf } from "./tfjs-layers.js";

/** Squeeze and excite in the original graph: a map, and the layers from its mean to its gates. */
export interface Excite {
  map: SymbolicTensor;
  pooling: Layer;
  reshape: Layer;
  reduce: ConvolutionLayer;
  expand: ConvolutionLayer;
}

/** Squeeze and excite whose result `tensor` is, the gate on either side of the product. */
export function matchExcite(graph: ModelGraph, tensor: SymbolicTensor): Excite | undefined {
  const product = tensor.sourceLayer;
  const inputs = inputsOf(tensor);
  if (typeOf(product) !== "Multiply" || !isUsedOnce(product) || inputs.length !== 2) return undefined;
  const gates = inputs.find((input) => isGate(input) && graph.hasOneConsumer(input));
  const map = inputs.find((input) => input !== gates);
  if (!gates || !map || map.rank !== 4) return undefined;
  const channels = map.shape.at(-1)!;
  if (channels !== gates.shape.at(-1) || channels % 4 !== 0) return undefined;
  const steps: Layer[] = [];
  let source = gates;
  for (const _ of ["expand", "reduce", "reshape", "pooling"]) {
    const layer = source.sourceLayer;
    if (!isUsedOnce(layer) || !graph.hasOneConsumer(source) || !inputsOf(source)[0]) return undefined;
    steps.unshift(layer);
    source = inputsOf(source)[0]!;
  }
  const [pooling, reshape, reduce, expand] = steps as [Layer, Layer, ConvolutionLayer, ConvolutionLayer];
  const isSqueeze = typeOf(pooling) === "GlobalAveragePooling2D" && isChannelsLast(pooling) && source === map;
  if (!isSqueeze || typeOf(reshape) !== "Reshape" || !isDense(reduce) || !isDense(expand)) return undefined;
  if (activationOf(expand) !== "sigmoid" || !(activationOf(reduce) in ACTIVATION_CODES)) return undefined;
  return { map, pooling, reshape, reduce, expand };
}

/** A 1 × 1 convolution with a bias, as a dense layer of the channels. */
const isDense = (layer: ConvolutionLayer) =>
  typeOf(layer) === "Conv2D" &&
  layer.useBias &&
  isChannelsLast(layer) &&
  [...layer.kernelSize, ...layer.strides].every((side) => side === 1);
