import type { LayersModel, SymbolicTensor } from "@tensorflow/tfjs-layers";
import type { FusedActivation } from "../../fused-activation.js";
import type { UnitOptions } from "../conv-unit.js";
import { inputsOf, isUsedOnce, type ModelGraph } from "./model-graph.js";
import {
  asActivation,
  type ConvolutionLayer,
  convolutionOptions,
  isChannelsLast,
  isUsualNorm,
  type NormLayer,
  type PaddingLayer,
  type Shape,
  typeOf,
} from "./tfjs-layers.js";

/** Convolution → BatchNormalization → activation in the original graph. */
export interface Unit {
  convolution: ConvolutionLayer;
  norm: NormLayer;
  /** The model that holds them. */
  model: LayersModel;
  activation: FusedActivation;
  options: UnitOptions;
  /** What the convolution reads, in front of an absorbed padding. */
  input: SymbolicTensor;
  /** Shape of the convolution's output. */
  shape: Shape;
  /** Whether it can read a deferred map. */
  readsDeferred: boolean;
}

/** The unit whose finished map `tensor` is. What lies between its layers must be wanted by nobody else. */
export function matchUnit(graph: ModelGraph, tensor: SymbolicTensor): Unit | undefined {
  const normalized = matchNormAndActivation(graph, tensor);
  if (!normalized) return undefined;
  const { norm, activation, source: output } = normalized;
  const convolution = output.sourceLayer as ConvolutionLayer;
  const plain = convolutionOptions(convolution);
  if (!plain || !isUsedOnce(convolution) || !graph.hasOneConsumer(output)) return undefined;
  const { input, pad } = absorbPadding(graph, inputsOf(output)[0]!, plain.pad);
  const channels = output.shape.at(-1)!;
  const inChannels = input.shape.at(-1)!;
  // The kernels take four channels at a time; one filter a channel.
  if (channels % 4 !== 0 || (plain.isDepthwise && channels !== inChannels)) return undefined;
  const isPointwise = [...convolution.kernelSize, ...convolution.strides].every((side) => side === 1);
  return {
    convolution,
    norm,
    model: graph.model,
    activation,
    options: { ...plain, pad, epsilon: norm.epsilon },
    input,
    shape: output.shape,
    readsDeferred: (plain.isDepthwise || (isPointwise && typeof pad === "string")) && inChannels % 4 === 0,
  };
}

/** A BatchNormalization and the activation behind it, if there is one; `source` is what it normalises. */
export function matchNormAndActivation(
  graph: ModelGraph,
  tensor: SymbolicTensor,
): { norm: NormLayer; activation: FusedActivation; source: SymbolicTensor } | undefined {
  let normalized = tensor;
  let activation: FusedActivation = "linear";
  if (typeOf(tensor.sourceLayer) !== "BatchNormalization") {
    const found = asActivation(tensor.sourceLayer);
    if (!found || !isUsedOnce(tensor.sourceLayer)) return undefined;
    activation = found;
    normalized = inputsOf(tensor)[0]!;
    // The normalisation moves into the activation's place, so its own result must be wanted by nobody else.
    if (!graph.hasOneConsumer(normalized)) return undefined;
  }
  const norm = normalized.sourceLayer as NormLayer;
  if (typeOf(norm) !== "BatchNormalization" || !isUsedOnce(norm) || !isUsualNorm(norm, normalized.rank))
    return undefined;
  return { norm, activation, source: inputsOf(normalized)[0]! };
}

/** A ZeroPadding2D in front of a convolution becomes part of its geometry. */
function absorbPadding(
  graph: ModelGraph,
  input: SymbolicTensor,
  pad: UnitOptions["pad"],
): { input: SymbolicTensor; pad: UnitOptions["pad"] } {
  const layer = input.sourceLayer;
  const isPadding = pad === "valid" && typeOf(layer) === "ZeroPadding2D" && isChannelsLast(layer);
  if (!isPadding || !isUsedOnce(layer) || !graph.hasOneConsumer(input)) return { input, pad };
  const { padding } = layer as unknown as PaddingLayer;
  return { input: inputsOf(input)[0]!, pad: [[0, 0], ...padding, [0, 0]] };
}
