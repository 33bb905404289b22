import { InvalidArgumentError } from "@acr/core";
import { add, cast, engine, mul, sub, type Tensor, type Tensor4D, tidy, util } from "@tensorflow/tfjs-core";
import { model as createModel, type LayersModel, layers, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import { ACTIVATION_CODES, type FusedActivation } from "./fused-activation.js";
import { fusedBatchNormActivation } from "./fused-batch-norm-activation.js";
import {
  applyNorm,
  convUnit,
  convUnitInference,
  hasUnitKernels,
  movingAverage,
  plainConvolution,
  type UnitOptions,
} from "./internal/conv-unit.js";
import { currentWebGpuRuntime } from "./internal/current-webgpu-runtime.js";
import { areaMean, gate } from "./internal/gate.js";
import { squeezeExcite } from "./internal/squeeze-excite.js";
import { StepMemory } from "./internal/step-memory.js";
import { hasTensorFlowKernels, tensorFlowMovingAverage } from "./tensorflow/norm-kernels.js";
import { MOVING_AVERAGE as GPU_MOVING_AVERAGE } from "./webgpu/kernel-names.js";

type Layer = layers.Layer;
type Shape = (number | null)[];
type Strides = [number, number];
interface Weight {
  read(): Tensor;
  write(value: Tensor): void;
}
/** The fields of tfjs' own layers that the fused ones read. */
interface ConvolutionLayer extends Layer {
  kernel: Weight;
  bias: Weight;
  depthwiseKernel: Weight;
  useBias: boolean;
  strides: Strides;
  padding: "same" | "valid";
  dilationRate: Strides;
  dataFormat: string;
  kernelSize: [number, number];
}
interface PaddingLayer {
  padding: [[number, number], [number, number]];
  dataFormat: string;
}
interface NormLayer extends Layer {
  axis: number;
  epsilon: number;
  momentum: number;
  scale: boolean;
  center: boolean;
  gamma: Weight;
  beta: Weight;
  movingMean: Weight;
  movingVariance: Weight;
}
interface GraphNode {
  inputTensors: SymbolicTensor[];
  outboundLayer: Layer;
}

type Run = (inputs: Tensor | Tensor[], kwargs: { training?: boolean }) => Tensor | Tensor[];

/** Computes what `originals` compute, with their own weights, by another route. */
class SharedWeightsLayer extends layers.Layer {
  static className = "AcrSharedWeights";
  override readonly supportsMasking = true;

  constructor(
    name: string,
    private readonly originals: readonly Layer[],
    private readonly run: Run,
    private readonly shapeOf: (inputShape: Shape | Shape[]) => Shape | Shape[],
  ) {
    super({ name });
    this.built = true;
  }

  /** Another route for one layer. */
  static of(original: Layer, run: Run): SharedWeightsLayer {
    return new SharedWeightsLayer(
      original.name,
      [original],
      run,
      (inputShape) => original.computeOutputShape(inputShape as Shape) as Shape | Shape[],
    );
  }

  override get trainableWeights() {
    return (this.originals ?? []).flatMap((layer) => layer.trainableWeights);
  }

  override get nonTrainableWeights() {
    return (this.originals ?? []).flatMap((layer) => layer.nonTrainableWeights);
  }

  /** What the originals' regularizers add to the loss: `fit` asks the layers of the model that it trains. */
  override get losses() {
    return (this.originals ?? []).flatMap((layer) => layer.losses);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    return this.shapeOf(inputShape);
  }

  override call(inputs: Tensor | Tensor[], kwargs: { training?: boolean }): Tensor | Tensor[] {
    return this.run(inputs, kwargs ?? {});
  }

  /** The weights are the originals': nothing to release here. */
  override dispose() {
    return { refCountAfterDispose: 0, numDisposedVariables: 0 };
  }
}

const single = (x: Tensor | Tensor[]): Tensor => (Array.isArray(x) ? x[0]! : x);
const typeOf = (layer: Layer) => layer.getClassName();
const activationOf = (layer: Layer) =>
  (layer as unknown as { activation?: { getClassName(): string } }).activation?.getClassName() ?? "linear";

/** The activation a layer is, if the fused kernel knows it. */
function asActivation(layer: Layer): FusedActivation | undefined {
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

/** What a plain convolution layer does, or `undefined` where it has a bias, an activation or another data format. */
function convolutionOptions(layer: ConvolutionLayer): Omit<UnitOptions, "epsilon"> | undefined {
  const isDepthwise = typeOf(layer) === "DepthwiseConv2D";
  if (!isDepthwise && typeOf(layer) !== "Conv2D") return undefined;
  if (layer.useBias || activationOf(layer) !== "linear" || layer.dataFormat === "channelsFirst") return undefined;
  return { isDepthwise, strides: layer.strides, dilations: layer.dilationRate, pad: layer.padding };
}

const filterOf = (layer: ConvolutionLayer) => (layer.kernel ?? layer.depthwiseKernel).read() as Tensor4D;

/** tfjs' convolution layers go through `fused.conv2d`, whose gradient always includes that of the picture; this does not. */
function lonelyConvolution(layer: ConvolutionLayer): SharedWeightsLayer | undefined {
  const options = convolutionOptions(layer);
  if (!options) return undefined;
  return SharedWeightsLayer.of(layer, (x) =>
    plainConvolution(single(x) as Tensor4D, filterOf(layer), { ...options, epsilon: 0 }),
  );
}

/** Whether a BatchNormalization is over the last axis, with scale and centre. */
const isUsualNorm = (layer: NormLayer, rank: number) =>
  (layer.axis < 0 ? layer.axis + rank : layer.axis) === rank - 1 && layer.scale && layer.center;

/** moving + (value − moving) · (1 − momentum) */
function averageOf(moving: Tensor, value: Tensor, momentum: number): Tensor {
  if (hasTensorFlowKernels()) return tensorFlowMovingAverage(moving, value, momentum);
  if (currentWebGpuRuntime()) return engine().runKernel(GPU_MOVING_AVERAGE, { moving, value }, { momentum }) as Tensor;
  return tidy(() => sub(moving, mul(sub(moving, value), 1 - momentum)));
}

/** Frozen itself, or with a model: `model.trainable = false` turns its layers' weights alone. */
const isFrozen = (layer: NormLayer) => layer.trainableWeights.length === 0;

/** The normalisation of a map and the activation behind it, moving statistics included. */
function normalize(layer: NormLayer, x: Tensor, activation: FusedActivation, training: boolean | undefined): Tensor {
  const { epsilon, momentum } = layer;
  const gamma = layer.gamma.read();
  const beta = layer.beta.read();
  if (!training) {
    const moments = { mean: layer.movingMean.read(), variance: layer.movingVariance.read() };
    return fusedBatchNormActivation(x, gamma, beta, { epsilon, activation, moments }).y;
  }
  const average = (weight: Weight, value: Tensor) => weight.write(averageOf(weight.read(), value, momentum));
  const { y, mean, variance } = fusedBatchNormActivation(x, gamma, beta, { epsilon, activation });
  average(layer.movingMean, mean);
  average(layer.movingVariance, variance);
  return y;
}

function fusedNorm(layer: NormLayer, rank: number, activation: FusedActivation): SharedWeightsLayer | undefined {
  if (!isUsualNorm(layer, rank)) return undefined;
  // While frozen it infers in training too, as in Keras.
  return SharedWeightsLayer.of(layer, (inputs, { training }) =>
    tidy(() => normalize(layer, single(inputs), activation, training && !isFrozen(layer))),
  );
}

const isChannelsLast = (layer: Layer) => (layer as unknown as { dataFormat?: string }).dataFormat !== "channelsFirst";

/** Whether a tensor is [B, 1, 1, C]. */
const isGate = ({ shape }: SymbolicTensor) => shape.length === 4 && shape[1] === 1 && shape[2] === 1;

/** Squeeze and excite in the original graph: a map, and the layers from its mean to its gates. */
interface Excite {
  map: SymbolicTensor;
  pooling: Layer;
  reshape: Layer;
  reduce: ConvolutionLayer;
  expand: ConvolutionLayer;
}

/** A 1 × 1 convolution with a bias, as a dense layer of the channels. */
const isDense = (layer: ConvolutionLayer) =>
  typeOf(layer) === "Conv2D" &&
  layer.useBias &&
  isChannelsLast(layer) &&
  [...layer.kernelSize, ...layer.strides].every((side) => side === 1);

/** A map as the kernels read it; the cast of one that is float already would cost a clone. */
const asFloat = (x: Tensor4D): Tensor4D => (x.dtype === "float32" ? x : cast(x, "float32"));

/** Convolution → BatchNormalization → activation in the original graph. */
interface Unit {
  convolution: ConvolutionLayer;
  norm: NormLayer;
  activation: FusedActivation;
  options: UnitOptions;
  /** What the convolution reads, in front of an absorbed padding. */
  input: SymbolicTensor;
  /** Shape of the convolution's output. */
  shape: Shape;
  isBlocked: boolean;
}

/**
 * The `norm` tensors of deferred maps. A layer with two outputs would hand on both, but tfjs-layers runs a layer once for
 * each of its outputs.
 */
const NORMS = new WeakMap<Tensor, Tensor>();

/** A unit's map: deferred while the fused kernels train, else finished. */
function unitLayer(unit: Unit, inputActivation: FusedActivation | undefined, budget: StepMemory): SharedWeightsLayer {
  const { convolution, norm, activation, options } = unit;
  const run: Run = (inputs, { training }) => {
    const x = single(inputs) as Tensor4D;
    const filter = filterOf(convolution);
    const gamma = norm.gamma.read();
    const beta = norm.beta.read();
    if (training && isFrozen(norm)) {
      // Frozen: as in inference, but with a gradient, for what is in front may train.
      return tidy(() => {
        const inNorm = NORMS.get(x);
        const input = inNorm ? applyNorm({ z: x, norm: inNorm, activation: inputActivation! }) : x;
        return normalize(norm, plainConvolution(input as Tensor4D, filter, options), activation, false);
      });
    }
    if (training && hasUnitKernels()) {
      budget.check(x.shape[0]);
      const inNorm = NORMS.get(x);
      const input = inNorm ? { z: x, norm: inNorm, activation: inputActivation! } : asFloat(x);
      const result = convUnit(input, { filter, gamma, beta }, options);
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
      const weights = { filter, gamma, beta, mean, variance };
      return convUnitInference(asFloat(x), weights, { ...options, activation });
    });
  };
  return new SharedWeightsLayer(convolution.name, [convolution, norm], run, () => unit.shape);
}

/** The finished map of a unit, plus a residual. */
function applyLayer(name: string, unit: Unit): SharedWeightsLayer {
  const run: Run = (inputs) => {
    const [z, residual] = (Array.isArray(inputs) ? inputs : [inputs]) as [Tensor4D, Tensor | undefined];
    const norm = NORMS.get(z);
    if (norm) return applyNorm({ z, norm, activation: unit.activation }, residual);
    return residual ? add(z, residual) : z.clone();
  };
  return new SharedWeightsLayer(name, [], run, () => unit.shape);
}

/** Squeeze and excite of a unit's deferred map or, without one, of a plain map. */
function exciteLayer(
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
    return squeezeExcite(asFloat(x), NORMS.get(x), { w1, b1, w2, b2 }, attributes);
  };
  return new SharedWeightsLayer(name, steps, run, () => shape);
}

/**
 * A second view of a model that trains and predicts through fused kernels: Conv2D or DepthwiseConv2D without bias,
 * BatchNormalization, and the ReLU, ReLU6, swish or sigmoid behind it.
 *
 * The result shares the original's weight variables: training it trains the original, which stays a plain tfjs model
 * and is the one to save. Layers that are not fused run as they are. No prototype is touched.
 *
 * @param model - a functional or sequential model; shared layers and several inputs or outputs are fine.
 * @returns a LayersModel with the same inputs, outputs and weights. Dispose the original only.
 * @throws {InvalidArgumentError} model is not a LayersModel.
 * @throws {BackendError} from a training step, before it starts: the batch does not fit into the backend's memory.
 * @example
 * const fast = optimizeForTraining(model);
 * fast.compile({ optimizer: "adam", loss: "meanSquaredError" });
 * await fast.fit(x, y);
 * await model.save("downloads://model");
 */
export function optimizeForTraining(model: LayersModel): LayersModel {
  if (!Array.isArray(model?.layers) || !Array.isArray(model.inputs)) {
    throw new InvalidArgumentError("optimizeForTraining: model must be a tfjs LayersModel.");
  }
  const consumers = countConsumers(model);
  const twins = new Map<Layer, Layer>();
  const done = new Map<SymbolicTensor, SymbolicTensor>();
  const budget = new StepMemory();
  for (const input of model.inputs) {
    budget.add(input.shape, "deferred");
    done.set(
      input,
      layers.input({ batchShape: input.shape, dtype: input.dtype, name: input.sourceLayer.name }) as SymbolicTensor,
    );
  }

  const isOnlyConsumer = (tensor: SymbolicTensor) => consumers.get(tensor) === 1;
  const isUsedOnce = (layer: Layer) => layer.inboundNodes.length === 1;
  const inputsOf = (tensor: SymbolicTensor) =>
    (tensor.sourceLayer.inboundNodes as unknown as GraphNode[])[tensor.nodeIndex]!.inputTensors;
  const twinOf = (layer: Layer, make: () => Layer | undefined): Layer => {
    let twin = twins.get(layer);
    if (!twin) {
      twin = make() ?? SharedWeightsLayer.of(layer, (inputs, kwargs) => layer.call(inputs, kwargs as never));
      twins.set(layer, twin);
    }
    return twin;
  };

  /** The unit whose finished map `tensor` is. What lies between its layers must be wanted by nobody else. */
  const matchUnit = (tensor: SymbolicTensor): Unit | undefined => {
    let source = tensor;
    let activation: FusedActivation = "linear";
    if (typeOf(source.sourceLayer) !== "BatchNormalization") {
      const found = asActivation(source.sourceLayer);
      if (!found || !isUsedOnce(source.sourceLayer)) return undefined;
      activation = found;
      source = inputsOf(source)[0]!;
      if (!isOnlyConsumer(source)) return undefined;
    }
    const norm = source.sourceLayer as NormLayer;
    if (typeOf(norm) !== "BatchNormalization" || !isUsedOnce(norm) || !isUsualNorm(norm, source.rank)) return undefined;
    const output = inputsOf(source)[0]!;
    const convolution = output.sourceLayer as ConvolutionLayer;
    const plain = convolutionOptions(convolution);
    if (!plain || !isUsedOnce(convolution) || !isOnlyConsumer(output)) return undefined;
    let input = inputsOf(output)[0]!;
    let pad: UnitOptions["pad"] = plain.pad;
    const padding = input.sourceLayer as unknown as PaddingLayer;
    if (
      pad === "valid" &&
      typeOf(input.sourceLayer) === "ZeroPadding2D" &&
      padding.dataFormat !== "channelsFirst" &&
      isUsedOnce(input.sourceLayer) &&
      isOnlyConsumer(input)
    ) {
      pad = [[0, 0], ...padding.padding, [0, 0]];
      input = inputsOf(input)[0]!;
    }
    const channels = output.shape.at(-1)!;
    const inChannels = input.shape.at(-1)!;
    // The kernels take four channels at a time; one filter a channel.
    if (channels % 4 !== 0 || (plain.isDepthwise && channels !== inChannels)) return undefined;
    const [height, width] = convolution.kernelSize;
    const isPointwise = height === 1 && width === 1 && convolution.strides.every((stride) => stride === 1);
    return {
      convolution,
      norm,
      activation,
      options: { ...plain, pad, epsilon: norm.epsilon },
      input,
      shape: output.shape,
      isBlocked: (plain.isDepthwise || (isPointwise && typeof pad === "string")) && inChannels % 4 === 0,
    };
  };

  /** Squeeze and excite whose result `tensor` is, the gate on either side of the product. */
  const matchExcite = (tensor: SymbolicTensor): Excite | undefined => {
    const inputs = inputsOf(tensor);
    if (typeOf(tensor.sourceLayer) !== "Multiply" || !isUsedOnce(tensor.sourceLayer) || inputs.length !== 2) return;
    const gates = inputs.find((input) => isGate(input) && isOnlyConsumer(input));
    const map = inputs.find((input) => input !== gates);
    if (!gates || !map || map.rank !== 4 || map.shape.at(-1) !== gates.shape.at(-1) || map.shape.at(-1)! % 4 !== 0)
      return;
    const steps: Layer[] = [];
    let source = gates;
    for (const _ of ["expand", "reduce", "reshape", "pooling"]) {
      const layer = source.sourceLayer;
      if (!isUsedOnce(layer) || !isOnlyConsumer(source) || !inputsOf(source)[0]) return;
      steps.unshift(layer);
      source = inputsOf(source)[0]!;
    }
    const [pooling, reshape, reduce, expand] = steps as [Layer, Layer, ConvolutionLayer, ConvolutionLayer];
    const isSqueeze = typeOf(pooling) === "GlobalAveragePooling2D" && isChannelsLast(pooling) && source === map;
    if (!isSqueeze || typeOf(reshape) !== "Reshape" || !isDense(reduce) || !isDense(expand)) return;
    if (activationOf(expand) !== "sigmoid" || !(activationOf(reduce) in ACTIVATION_CODES)) return;
    return { map, pooling, reshape, reduce, expand };
  };

  const deferred = new Map<SymbolicTensor, SymbolicTensor>();
  /** The deferred map of the unit whose finished map `tensor` is. */
  const convertUnit = (tensor: SymbolicTensor, unit: Unit): SymbolicTensor => {
    const known = deferred.get(tensor);
    if (known) return known;
    const before = unit.isBlocked && isOnlyConsumer(unit.input) ? matchUnit(unit.input) : undefined;
    const inputs = before ? convertUnit(unit.input, before) : convert(unit.input);
    const output = unitLayer(unit, before?.activation, budget).apply(inputs) as SymbolicTensor;
    deferred.set(tensor, output);
    budget.add(output.shape, "deferred");
    return output;
  };

  const convert = (tensor: SymbolicTensor): SymbolicTensor => {
    const known = done.get(tensor);
    if (known) return known;
    const finish = (result: SymbolicTensor) => {
      done.set(tensor, result);
      budget.add(result.shape, "finished");
      return result;
    };
    const layer = tensor.sourceLayer;
    const unit = matchUnit(tensor);
    if (unit) return finish(applyLayer(layer.name, unit).apply(convertUnit(tensor, unit)) as SymbolicTensor);
    const excite = matchExcite(tensor);
    if (excite) {
      const { map } = excite;
      // Nobody but its own gates and the product may read the map: it stays deferred.
      const before = consumers.get(map) === 2 ? matchUnit(map) : undefined;
      const input = before ? convertUnit(map, before) : convert(map);
      if (before) budget.add(map.shape, "deferred");
      const twin = exciteLayer(layer.name, excite, tensor.shape, before?.activation ?? "linear");
      return finish(twin.apply(input) as SymbolicTensor);
    }
    let inputs = inputsOf(tensor);
    let make: () => Layer | undefined = () => undefined;
    if (typeOf(layer) === "BatchNormalization") {
      make = () => fusedNorm(layer as NormLayer, tensor.rank, "linear");
    } else if (typeOf(layer) === "Conv2D" || typeOf(layer) === "DepthwiseConv2D") {
      make = () => lonelyConvolution(layer as ConvolutionLayer);
    } else if (typeOf(layer) === "GlobalAveragePooling2D" && isChannelsLast(layer)) {
      make = () => SharedWeightsLayer.of(layer, (x) => areaMean(single(x) as Tensor4D));
    } else if (
      typeOf(layer) === "Multiply" &&
      inputs.length === 2 &&
      inputs[0]!.shape.at(-1) === inputs[1]!.shape.at(-1)
    ) {
      // The map first, its gate second.
      if (isUsedOnce(layer) && isGate(inputs[0]!)) inputs = [inputs[1]!, inputs[0]!];
      if (inputs[0]!.rank === 4 && !isGate(inputs[0]!) && isGate(inputs[1]!)) {
        make = () =>
          SharedWeightsLayer.of(layer, (maps) => {
            const [x, gates] = maps as [Tensor4D, Tensor4D];
            return x.shape[0] === gates.shape[0] ? gate(x, gates) : mul(x, gates);
          });
      }
    } else if (typeOf(layer) === "Add" && inputs.length === 2 && isUsedOnce(layer)) {
      const branch = inputs.find((input) => isOnlyConsumer(input) && matchUnit(input));
      const residual = inputs.find((input) => input !== branch);
      if (branch && residual && util.arraysEqual(branch.shape as number[], residual.shape as number[])) {
        const unit = matchUnit(branch)!;
        const other = convert(residual);
        return finish(applyLayer(layer.name, unit).apply([convertUnit(branch, unit), other]) as SymbolicTensor);
      }
    } else {
      const activation = asActivation(layer);
      const source = inputs[0];
      const norm = source?.sourceLayer;
      // The normalisation moves into the activation's place, so its own result must be wanted by nobody else.
      if (
        activation &&
        isUsedOnce(layer) &&
        norm &&
        typeOf(norm) === "BatchNormalization" &&
        isUsedOnce(norm) &&
        isOnlyConsumer(source)
      ) {
        const fused = fusedNorm(norm as NormLayer, source.rank, activation);
        if (fused) {
          inputs = inputsOf(source);
          make = () => fused;
        }
      }
    }
    const twinInputs = inputs.map(convert);
    const outputs = twinOf(layer, make).apply(twinInputs.length === 1 ? twinInputs[0]! : twinInputs) as
      | SymbolicTensor
      | SymbolicTensor[];
    return finish(Array.isArray(outputs) ? outputs[tensor.outputTensorIndex ?? 0]! : outputs);
  };

  const outputs = model.outputs.map(convert);
  return createModel({
    inputs: model.inputs.map((input) => done.get(input)!),
    outputs,
    name: `${model.name}_fused`,
  });
}

/** How many layers and model outputs read each tensor of the model. */
function countConsumers(model: LayersModel): Map<SymbolicTensor, number> {
  const consumers = new Map<SymbolicTensor, number>();
  const count = (tensor: SymbolicTensor) => consumers.set(tensor, (consumers.get(tensor) ?? 0) + 1);
  model.outputs.forEach(count);
  for (const layer of model.layers) {
    for (const node of layer.inboundNodes as unknown as GraphNode[]) node.inputTensors.forEach(count);
  }
  return consumers;
}
