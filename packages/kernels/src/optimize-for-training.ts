import { InvalidArgumentError } from "@acr/core";
import { conv2d, depthwiseConv2d, mul, sub, type Tensor, type Tensor4D, tidy } from "@tensorflow/tfjs-core";
import { model as createModel, type LayersModel, layers, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import type { FusedActivation } from "./fused-activation.js";
import { fusedBatchNormActivation } from "./fused-batch-norm-activation.js";

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
  depthwiseKernel: Weight;
  useBias: boolean;
  strides: Strides;
  padding: "same" | "valid";
  dilationRate: Strides;
  dataFormat: string;
  depthMultiplier: number;
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

/** Computes what `original` computes, with the original's own weights, by another route. */
class SharedWeightsLayer extends layers.Layer {
  static className = "AcrSharedWeights";
  override readonly supportsMasking = true;

  constructor(
    private readonly original: Layer,
    private readonly run: (inputs: Tensor | Tensor[], kwargs: { training?: boolean }) => Tensor | Tensor[],
  ) {
    super({ name: original.name });
    this.built = true;
  }

  override get trainableWeights() {
    return this.original?.trainableWeights ?? [];
  }

  override get nonTrainableWeights() {
    return this.original?.nonTrainableWeights ?? [];
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    return this.original.computeOutputShape(inputShape as Shape) as Shape | Shape[];
  }

  override call(inputs: Tensor | Tensor[], kwargs: { training?: boolean }): Tensor | Tensor[] {
    return this.run(inputs, kwargs ?? {});
  }

  /** The weights are the original's: nothing to release here. */
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

/** tfjs' convolution layers go through `fused.conv2d`, whose gradient always includes that of the picture; this does not. */
function plainConvolution(layer: ConvolutionLayer): SharedWeightsLayer | undefined {
  if (layer.useBias || activationOf(layer) !== "linear" || layer.dataFormat === "channelsFirst") return undefined;
  const { strides, padding, dilationRate } = layer;
  if (typeOf(layer) === "Conv2D") {
    return new SharedWeightsLayer(layer, (x) =>
      conv2d(single(x) as Tensor4D, layer.kernel.read() as Tensor4D, strides, padding, "NHWC", dilationRate),
    );
  }
  if (typeOf(layer) === "DepthwiseConv2D") {
    return new SharedWeightsLayer(layer, (x) =>
      depthwiseConv2d(
        single(x) as Tensor4D,
        layer.depthwiseKernel.read() as Tensor4D,
        strides,
        padding,
        "NHWC",
        dilationRate,
      ),
    );
  }
  return undefined;
}

function fusedNorm(layer: NormLayer, rank: number, activation: FusedActivation): SharedWeightsLayer | undefined {
  const axis = layer.axis < 0 ? layer.axis + rank : layer.axis;
  if (axis !== rank - 1 || !layer.scale || !layer.center) return undefined;
  const { epsilon, momentum } = layer;
  const average = (weight: Weight, value: Tensor) =>
    weight.write(tidy(() => sub(weight.read(), mul(sub(weight.read(), value), 1 - momentum))));
  return new SharedWeightsLayer(layer, (inputs, { training }) =>
    tidy(() => {
      const x = single(inputs);
      const gamma = layer.gamma.read();
      const beta = layer.beta.read();
      if (!training) {
        const moments = { mean: layer.movingMean.read(), variance: layer.movingVariance.read() };
        return fusedBatchNormActivation(x, gamma, beta, { epsilon, activation, moments }).y;
      }
      const { y, mean, variance } = fusedBatchNormActivation(x, gamma, beta, { epsilon, activation });
      average(layer.movingMean, mean);
      average(layer.movingVariance, variance);
      return y;
    }),
  );
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
  for (const input of model.inputs) {
    done.set(
      input,
      layers.input({ batchShape: input.shape, dtype: input.dtype, name: input.sourceLayer.name }) as SymbolicTensor,
    );
  }

  const isOnlyConsumer = (tensor: SymbolicTensor) => consumers.get(tensor) === 1;
  const twinOf = (layer: Layer, make: () => Layer | undefined): Layer => {
    let twin = twins.get(layer);
    if (!twin) {
      twin = make() ?? new SharedWeightsLayer(layer, (inputs, kwargs) => layer.call(inputs, kwargs as never));
      twins.set(layer, twin);
    }
    return twin;
  };

  const convert = (tensor: SymbolicTensor): SymbolicTensor => {
    const known = done.get(tensor);
    if (known) return known;
    const layer = tensor.sourceLayer;
    const node = (layer.inboundNodes as unknown as GraphNode[])[tensor.nodeIndex]!;
    const isUsedOnce = layer.inboundNodes.length === 1;
    let inputs = node.inputTensors;
    let make: () => Layer | undefined = () => undefined;
    if (typeOf(layer) === "BatchNormalization") {
      make = () => fusedNorm(layer as NormLayer, tensor.rank, "linear");
    } else if (typeOf(layer) === "Conv2D" || typeOf(layer) === "DepthwiseConv2D") {
      make = () => plainConvolution(layer as ConvolutionLayer);
    } else {
      const activation = asActivation(layer);
      const source = inputs[0];
      const norm = source?.sourceLayer;
      // The normalisation moves into the activation's place, so its own result must be wanted by nobody else.
      if (
        activation &&
        isUsedOnce &&
        norm &&
        typeOf(norm) === "BatchNormalization" &&
        norm.inboundNodes.length === 1 &&
        isOnlyConsumer(source)
      ) {
        const fused = fusedNorm(norm as NormLayer, source.rank, activation);
        if (fused) {
          inputs = (norm.inboundNodes as unknown as GraphNode[])[source.nodeIndex]!.inputTensors;
          make = () => fused;
        }
      }
    }
    const twinInputs = inputs.map(convert);
    const outputs = twinOf(layer, make).apply(twinInputs.length === 1 ? twinInputs[0]! : twinInputs) as
      | SymbolicTensor
      | SymbolicTensor[];
    const result = Array.isArray(outputs) ? outputs[tensor.outputTensorIndex ?? 0]! : outputs;
    done.set(tensor, result);
    return result;
  };

  return createModel({
    inputs: model.inputs.map((input) => done.get(input)!),
    outputs: model.outputs.map(convert),
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
