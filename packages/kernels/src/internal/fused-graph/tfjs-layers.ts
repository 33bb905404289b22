import type { Tensor } from "@tensorflow/tfjs-core";
import type { LayersModel, layers, SymbolicTensor } from "@tensorflow/tfjs-layers";
import type { FusedActivation } from "../../fused-activation.js";
import type { UnitOptions } from "../conv-unit.js";

export type Layer = layers.Layer;
export type Shape = (number | null)[];

export interface Weight {
  read(): Tensor;
  write(value: Tensor): void;
}

/** The fields of tfjs' own layers that the fused ones read. */
export interface ConvolutionLayer extends Layer {
  kernel: Weight;
  bias: Weight;
  depthwiseKernel: Weight;
  useBias: boolean;
  strides: [number, number];
  padding: "same" | "valid";
  dilationRate: [number, number];
  dataFormat: string;
  kernelSize: [number, number];
  activation?: { apply(x: Tensor): Tensor };
}

export interface PaddingLayer {
  padding: [[number, number], [number, number]];
}

export interface NormLayer extends Layer {
  axis: number;
  epsilon: number;
  momentum: number;
  /** Absent without scale, as `beta` without centre. */
  gamma?: Weight;
  beta?: Weight;
  movingMean: Weight;
  movingVariance: Weight;
}

export const typeOf = (layer: Layer) => layer.getClassName();

/** Whether a layer is a model, functional or sequential, that this one holds as a layer. */
export const isModel = (layer: Layer): layer is LayersModel =>
  ["Model", "Functional", "Sequential"].includes(typeOf(layer));

/** The name of a layer's own activation. */
export const activationOf = (layer: Layer) =>
  (layer as unknown as { activation?: { getClassName(): string } }).activation?.getClassName() ?? "linear";

/** The activation a layer is, if the fused kernel knows it. */
export function asActivation(layer: Layer): FusedActivation | undefined {
  if (typeOf(layer) === "ReLU") {
    const {
      maxValue,
      negativeSlope = 0,
      threshold = 0,
    } = layer.getConfig() as { maxValue?: number | null; negativeSlope?: number; threshold?: number };
    if (negativeSlope || threshold) return undefined;
    if (maxValue === 6) return "relu6";
    return maxValue === undefined || maxValue === null ? "relu" : undefined;
  }
  if (typeOf(layer) === "Activation") {
    const name = activationOf(layer);
    if (name === "relu" || name === "relu6" || name === "linear" || name === "swish" || name === "sigmoid") return name;
  }
  return undefined;
}

export const isChannelsLast = (layer: Layer) =>
  (layer as unknown as { dataFormat?: string }).dataFormat !== "channelsFirst";

/** What a plain convolution layer does, or `undefined` where it has a bias, an activation or another data format. */
export const convolutionOptions = (layer: ConvolutionLayer): Omit<UnitOptions, "epsilon"> | undefined =>
  layer.useBias || activationOf(layer) !== "linear" ? undefined : geometryOf(layer);

/** What the convolution in a layer does, or `undefined` where there is none or it has another data format. */
export function geometryOf(layer: ConvolutionLayer): Omit<UnitOptions, "epsilon"> | undefined {
  const isDepthwise = typeOf(layer) === "DepthwiseConv2D";
  if ((!isDepthwise && typeOf(layer) !== "Conv2D") || !isChannelsLast(layer)) return undefined;
  // tfjs' DepthwiseConv2D has a dilation rate and does not use it.
  const dilations: [number, number] = isDepthwise ? [1, 1] : layer.dilationRate;
  return { isDepthwise, strides: layer.strides, dilations, pad: layer.padding };
}

/** Whether a BatchNormalization is over the last axis. */
export const isUsualNorm = (layer: NormLayer, rank: number) =>
  (layer.axis < 0 ? layer.axis + rank : layer.axis) === rank - 1;

/**
 * Frozen itself, or with its model: `model.trainable = false` turns its layers' weights alone, so that a layer without
 * any does not know.
 */
export const isFrozen = (layer: NormLayer, model: LayersModel) =>
  layer.gamma || layer.beta ? layer.trainableWeights.length === 0 : !(layer.trainable && model.trainable);

/** Whether a tensor is [B, 1, 1, C]. */
export const isGate = ({ shape }: SymbolicTensor) => shape.length === 4 && shape[1] === 1 && shape[2] === 1;
