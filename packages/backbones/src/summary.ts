import { checkOptions, InvalidArgumentError } from "@acr/core";
import type { LayersModel, layers, SymbolicTensor } from "@tensorflow/tfjs-layers";
import { stageName, stridesOf } from "./internal/strides.js";

type Layer = layers.Layer;
interface GraphNode {
  inputTensors: SymbolicTensor[];
  outputTensors: SymbolicTensor[];
}
type Sides = readonly (number | null)[];

/** A part of a model: all layers at one stride, or the head. */
export interface StageSummary {
  /** `"stride 2"`, …, or `"head"`. */
  name: string;
  layerCount: number;
  parameterCount: number;
  trainableParameterCount: number;
  /** Of one picture, in convolutions and dense layers. */
  multiplyAdds: number;
  /** Of all layers' outputs together, for the batch. */
  activationBytes: number;
}

/** What `summary` counts. Bytes are of float32. */
export interface ModelSummary {
  batchSize: number;
  parameterCount: number;
  trainableParameterCount: number;
  /** Of one picture, in convolutions and dense layers: what papers call MACs, and half of what some call FLOPs. */
  multiplyAdds: number;
  /** Of all layers' outputs together, for the batch. */
  activationBytes: number;
  /** Weights, and the outputs that wait for their readers at the fullest moment. */
  inferenceBytes: number;
  /**
   * What the process grows by in training through the fused kernels of `@acr/kernels`: weights, gradients, Adam's moments and the maps
   * that a step keeps. On wasm within a fifth of the measured peak, but for batches of 1 of the smallest models.
   */
  trainingBytes: number;
  /** From the picture to the landmarks. */
  stages: StageSummary[];
}

const FLOAT = 4;
/** Gradients, and Adam's two moments. */
const COPIES_TO_LEARN = 3;
/** The weights, and the filters as the kernels pack them. */
const COPIES_OF_WEIGHTS = 2;
/** Measured (benchmarks/backbones/training-memory.json): what JavaScript holds of a layer and its gradient, and what gaps between maps cost. */
const BYTES_OF_LAYER = 1e5;
const SHARE_OF_GAPS = 1.1;
/** Layers that hand on their input, or vanish in what follows them. */
const VIEWS = new Set(["InputLayer", "Reshape", "Flatten", "Dropout"]);
const CONVOLUTIONS = new Set(["Conv2D", "DepthwiseConv2D"]);
const ACTIVATIONS = new Set(["ReLU", "Activation"]);

const product = (sides: Sides) => sides.reduce<number>((all, side) => all * (side ?? 1), 1);
const sizeOf = (weights: readonly { shape: Sides }[]) => weights.reduce((sum, { shape }) => sum + product(shape), 0);
const nodesOf = (layer: Layer) => layer.inboundNodes as unknown as GraphNode[];
const configOf = (layer: Layer) => layer.getConfig() as Record<string, unknown>;

/**
 * Counts a model: parameters, multiply-adds and memory, stage by stage.
 *
 * Multiply-adds of a convolution: H·W·C of the output times the kernel's inputs of one value; of a dense layer: inputs times units.
 * Normalisation, activations, sums and pooling are left out, as papers do. Bytes are estimates from
 * shapes alone; what an engine keeps beside them is not in them.
 *
 * @param model - any LayersModel; unknown sides count as 1.
 * @param options.batchSize - pictures a step, ≥ 1. Default 1.
 * @throws {InvalidArgumentError} model is no LayersModel, or batchSize no integer ≥ 1.
 * @example
 * const { multiplyAdds, trainingBytes } = summary(model, { batchSize: 16 });
 */
export function summary(model: LayersModel, options: { batchSize?: number } = {}): ModelSummary {
  const caller = "summary";
  checkOptions(caller, options, ["batchSize"]);
  const { batchSize = 1 } = options;
  if (!Array.isArray(model?.layers)) throw new InvalidArgumentError(`${caller}: model must be a tfjs LayersModel.`);
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw new InvalidArgumentError(`${caller}: batchSize must be an integer >= 1; got ${String(batchSize)}.`);

  const strides = stridesOf(model);
  const stages = new Map<string, StageSummary>();
  for (const layer of model.layers) {
    const name = stageName(layer, strides);
    const stage = stages.get(name) ?? {
      name,
      layerCount: 0,
      parameterCount: 0,
      trainableParameterCount: 0,
      multiplyAdds: 0,
      activationBytes: 0,
    };
    stage.layerCount++;
    stage.parameterCount += sizeOf(layer.weights as never);
    stage.trainableParameterCount += sizeOf(layer.trainableWeights as never);
    for (const { outputTensors } of nodesOf(layer)) {
      for (const { shape } of outputTensors) {
        stage.multiplyAdds += multiplyAddsOf(layer, shape);
        stage.activationBytes += batchSize * FLOAT * product(shape.slice(1));
      }
    }
    stages.set(name, stage);
  }
  const order = [...stages.values()].sort((a, b) => rank(a.name) - rank(b.name));
  const total = (key: Exclude<keyof StageSummary, "name">) => order.reduce((sum, stage) => sum + stage[key], 0);
  const weightBytes = FLOAT * total("parameterCount");
  return {
    batchSize,
    parameterCount: total("parameterCount"),
    trainableParameterCount: total("trainableParameterCount"),
    multiplyAdds: total("multiplyAdds"),
    activationBytes: total("activationBytes"),
    inferenceBytes: weightBytes + batchSize * largestMoment(model),
    trainingBytes:
      COPIES_OF_WEIGHTS * weightBytes +
      COPIES_TO_LEARN * FLOAT * total("trainableParameterCount") +
      BYTES_OF_LAYER * model.layers.length +
      batchSize * Math.round(SHARE_OF_GAPS * keptForGradients(model)),
    stages: order,
  };
}

const rank = (name: string) => (name === "head" ? Number.POSITIVE_INFINITY : Number(name.slice("stride ".length)));

function multiplyAddsOf(layer: Layer, shape: Sides): number {
  const [kernel] = layer.weights;
  if (!kernel) return 0;
  const sides = kernel.shape as number[];
  const places = product(shape.slice(1));
  switch (layer.getClassName()) {
    case "Conv2D":
      return places * product(sides.slice(0, 3));
    case "DepthwiseConv2D":
      return places * product(sides.slice(0, 2));
    case "Dense":
      return places * sides[0]!;
    default:
      return 0;
  }
}

const bytesOf = ({ shape }: SymbolicTensor) => FLOAT * product(shape.slice(1));

/** Bytes of one picture's maps at the fullest moment, where each is released behind its last reader. */
function largestMoment(model: LayersModel): number {
  const lastReader = new Map<SymbolicTensor, number>();
  for (const [i, layer] of model.layers.entries())
    for (const { inputTensors } of nodesOf(layer)) for (const input of inputTensors) lastReader.set(input, i);
  for (const output of model.outputs) lastReader.set(output, model.layers.length);
  const live = new Map<SymbolicTensor, number>();
  let largest = 0;
  for (const [i, layer] of model.layers.entries()) {
    const isView = VIEWS.has(layer.getClassName()) && layer.getClassName() !== "InputLayer";
    for (const { outputTensors } of nodesOf(layer))
      for (const output of outputTensors) live.set(output, isView ? 0 : bytesOf(output));
    largest = Math.max(
      largest,
      [...live.values()].reduce((a, b) => a + b, 0),
    );
    for (const tensor of [...live.keys()]) if ((lastReader.get(tensor) ?? i) <= i) live.delete(tensor);
  }
  return largest;
}

/**
 * Bytes of one picture's maps at the fullest moment of a training step, as `optimizeForTraining` works: of each convolution the output,
 * until the way back has passed it; of what is finished behind it (normalised, activated, added) the map and later its gradient, to
 * the step's end, unless the next convolution reads it unfinished; and the gradients in flight where the way back is.
 */
function keptForGradients(model: LayersModel): number {
  const readers = new Map<SymbolicTensor, Layer[]>();
  for (const layer of model.layers)
    for (const { inputTensors } of nodesOf(layer))
      for (const input of inputTensors) readers.set(input, [...(readers.get(input) ?? []), layer]);
  const onlyReader = (tensor: SymbolicTensor) => {
    const all = readers.get(tensor) ?? [];
    return all.length === 1 && !model.outputs.includes(tensor) ? all[0] : undefined;
  };
  const maps: { released: number; finished: number }[] = [];
  for (const layer of model.layers) {
    const type = layer.getClassName();
    if (VIEWS.has(type) && type !== "InputLayer") continue;
    for (const { outputTensors, inputTensors } of nodesOf(layer)) {
      for (const output of outputTensors) {
        const direct = onlyReader(output);
        // Zeros around a map are the convolution's work.
        const reader = isPadding(direct) ? onlyReader(direct!.output as SymbolicTensor) : direct;
        const next = reader?.getClassName() ?? "";
        const bytes = bytesOf(output);
        if (type === "InputLayer" || (CONVOLUTIONS.has(type) && next === "BatchNormalization"))
          maps.push({ released: bytes, finished: 0 });
        // A normalisation is part of the activation or the sum behind it.
        else if (type === "BatchNormalization" && (ACTIVATIONS.has(next) || next === "Add")) continue;
        else if (isPadding(layer) && CONVOLUTIONS.has(next)) continue;
        else if (isReadUnfinished(type, inputTensors, reader)) continue;
        // A product and a sum.
        else maps.push({ released: 0, finished: type === "Rescaling" ? 2 * bytes : bytes });
      }
    }
  }
  let finished = maps.reduce((sum, map) => sum + map.finished, 0);
  let released = maps.reduce((sum, map) => sum + map.released, 0);
  let most = 0;
  for (const map of maps.reverse()) {
    finished += map.finished;
    most = Math.max(most, released + finished + 2 * map.released);
    released -= map.released;
  }
  return most;
}

const isPadding = (layer: Layer | undefined) => layer?.getClassName() === "ZeroPadding2D";

/** Whether the next convolution normalises and activates while it reads: depthwise, and 1×1 of stride 1; zeros between are its work. */
function isReadUnfinished(type: string, inputs: readonly SymbolicTensor[], reader: Layer | undefined): boolean {
  const norm = type === "BatchNormalization" || inputs[0]?.sourceLayer.getClassName() === "BatchNormalization";
  if (!norm || !(type === "BatchNormalization" || ACTIVATIONS.has(type)) || !reader) return false;
  const next = reader.getClassName();
  if (next === "DepthwiseConv2D") return true;
  const { kernelSize, strides, useBias } = configOf(reader) as {
    kernelSize?: number[];
    strides?: number[];
    useBias?: boolean;
  };
  return next === "Conv2D" && !useBias && kernelSize![0] === 1 && strides![0] === 1;
}
