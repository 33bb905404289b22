import { InvalidArgumentError } from "@acr/core";
import type { LayersModel, layers, SymbolicTensor } from "@tensorflow/tfjs-layers";
import { OnnxGraph } from "./onnx-graph.js";

type Layer = layers.Layer;
/** A tfjs tensor in the graph: as tfjs has it, or with channels second. */
interface Value {
  name: string;
  isChannelsFirst: boolean;
}
interface GraphNode {
  inputTensors: SymbolicTensor[];
}
interface ConverterOptions {
  caller: string;
  layout: "nhwc" | "nchw";
  foldBatchNorm: boolean;
}
type Config = Record<string, never>;

const big = (values: readonly number[]) => values.map(BigInt);
const product = (values: readonly number[]) => values.reduce((a, b) => a * b, 1);

/** Walks a model from its outputs and writes each layer as ONNX nodes. */
export class OnnxConverter {
  private readonly graph: OnnxGraph;
  private readonly values = new Map<SymbolicTensor, Value>();
  private readonly turned = new Map<string, string>();
  private readonly consumers = new Map<SymbolicTensor, number>();

  constructor(
    private readonly model: LayersModel,
    private readonly options: ConverterOptions,
  ) {
    this.graph = new OnnxGraph(model.name);
  }

  convert(): Uint8Array {
    const { model, graph } = this;
    const count = (tensor: SymbolicTensor) => this.consumers.set(tensor, (this.consumers.get(tensor) ?? 0) + 1);
    for (const layer of model.layers) for (const node of this.nodesOf(layer)) node.inputTensors.forEach(count);
    model.outputs.forEach(count);
    for (const input of model.inputs) {
      const isChannelsFirst = this.options.layout === "nchw" && input.shape.length === 4;
      const [batch, height, width, channels] = input.shape as [null, number, number, number];
      graph.input(input.sourceLayer.name, isChannelsFirst ? [batch, channels, height, width] : input.shape);
      this.values.set(input, { name: input.sourceLayer.name, isChannelsFirst });
    }
    for (const output of model.outputs) {
      const name = this.plain(this.valueOf(output));
      graph.node("Identity", [name], {}, output.sourceLayer.name);
      graph.output(output.sourceLayer.name, output.shape);
    }
    return graph.finish();
  }

  private nodesOf(layer: Layer): GraphNode[] {
    return layer.inboundNodes as unknown as GraphNode[];
  }

  private valueOf(tensor: SymbolicTensor): Value {
    const known = this.values.get(tensor);
    if (known) return known;
    const layer = tensor.sourceLayer;
    const nodes = this.nodesOf(layer);
    if (nodes.length !== 1) {
      throw this.error(`layer ${layer.name} is used ${nodes.length} times; expected once`);
    }
    const value = this.convertLayer(layer, nodes[0]!.inputTensors, tensor);
    this.values.set(tensor, value);
    return value;
  }

  private error(problem: string): InvalidArgumentError {
    return new InvalidArgumentError(`${this.options.caller}: ${problem}.`);
  }

  private turn(name: string, order: readonly number[]): string {
    const key = `${name} ${order}`;
    const known = this.turned.get(key);
    if (known) return known;
    const result = this.graph.node("Transpose", [name], { perm: big(order) });
    this.turned.set(key, result);
    return result;
  }

  private plain({ name, isChannelsFirst }: Value): string {
    return isChannelsFirst ? this.turn(name, [0, 2, 3, 1]) : name;
  }

  private channelsFirst({ name, isChannelsFirst }: Value): string {
    return isChannelsFirst ? name : this.turn(name, [0, 3, 1, 2]);
  }

  private convertLayer(layer: Layer, inputs: readonly SymbolicTensor[], output: SymbolicTensor): Value {
    const { graph } = this;
    const type = layer.getClassName();
    const config = layer.getConfig() as Config as Record<string, unknown>;
    if (config.dataFormat !== undefined && config.dataFormat !== "channelsLast") {
      throw this.error(`layer ${layer.name} must be channelsLast; got ${config.dataFormat}`);
    }
    const first = inputs[0]!;
    const weights = () => layer.getWeights().map((value) => Float32Array.from(value.dataSync()));
    const map = (name: string): Value => ({ name, isChannelsFirst: true });
    const rest = (name: string): Value => ({ name, isChannelsFirst: false });
    switch (type) {
      case "Conv2D":
      case "DepthwiseConv2D": {
        const [kernel, bias] = weights();
        return this.activated(this.convolution(layer, first, kernel!, bias), config.activation, output);
      }
      case "BatchNormalization": {
        const folded = this.foldedNorm(layer, first);
        if (folded) return folded;
        const x = this.valueOf(first);
        const rank = first.shape.length;
        if (Number(config.axis) !== -1 && Number(config.axis) !== rank - 1)
          throw this.error(`layer ${layer.name} must normalise the last axis; got ${config.axis}`);
        const name = rank === 4 ? this.channelsFirst(x) : x.name;
        if (rank !== 2 && rank !== 4) throw this.error(`layer ${layer.name} must have rank 2 or 4; got ${rank}`);
        const { scale, shift } = normTerms(layer);
        const zeros = new Float32Array(scale.length);
        const names = [scale, shift, zeros, zeros.map(() => 1)].map((values) =>
          graph.constant(values, [values.length]),
        );
        return {
          name: graph.node("BatchNormalization", [name, ...names], { epsilon: 0 }),
          isChannelsFirst: rank === 4,
        };
      }
      case "Dense": {
        const [kernel, bias] = weights();
        const shape = layer.weights[0]!.shape as number[];
        let name = graph.node("MatMul", [this.plain(this.valueOf(first)), graph.constant(kernel!, shape)]);
        if (bias) name = graph.node("Add", [name, graph.constant(bias, [bias.length])]);
        return this.activated(rest(name), config.activation, output);
      }
      case "ReLU": {
        const { maxValue, negativeSlope = 0, threshold = 0 } = config;
        if (negativeSlope || threshold) throw this.error(`layer ${layer.name} must be a plain ReLU, capped or not`);
        const x = this.valueOf(first);
        const name =
          maxValue === null || maxValue === undefined
            ? graph.node("Relu", [x.name])
            : graph.node("Clip", [x.name, graph.floats(0), graph.floats(Number(maxValue))]);
        return { ...x, name };
      }
      case "Activation":
        return this.activated(this.valueOf(first), config.activation, output);
      case "Softmax": {
        const axis = Number(config.axis ?? -1);
        return rest(graph.node("Softmax", [this.plain(this.valueOf(first))], { axis: BigInt(axis) }));
      }
      case "Add":
      case "Multiply": {
        const values = inputs.map((input) => this.valueOf(input));
        // Maps stay as they are where all are: squeeze-excite multiplies [B, C, 1, 1].
        const isMap =
          inputs.every(({ shape }) => shape.length === 4) && values.some(({ isChannelsFirst }) => isChannelsFirst);
        const names = values.map((value) => (isMap ? this.channelsFirst(value) : this.plain(value)));
        const operator = type === "Add" ? "Add" : "Mul";
        return { name: names.reduce((a, b) => graph.node(operator, [a, b])), isChannelsFirst: isMap };
      }
      case "Concatenate": {
        const values = inputs.map((input) => this.valueOf(input));
        const rank = first.shape.length;
        const axis = Number(config.axis) < 0 ? Number(config.axis) + rank : Number(config.axis);
        const isMap = rank === 4 && axis === 3 && values.some(({ isChannelsFirst }) => isChannelsFirst);
        const names = values.map((value) => (isMap ? this.channelsFirst(value) : this.plain(value)));
        return { name: graph.node("Concat", names, { axis: BigInt(isMap ? 1 : axis) }), isChannelsFirst: isMap };
      }
      case "Rescaling": {
        const x = this.valueOf(first);
        const scaled = graph.node("Mul", [x.name, graph.floats(Number(config.scale))]);
        return { ...x, name: graph.node("Add", [scaled, graph.floats(Number(config.offset ?? 0))]) };
      }
      case "ZeroPadding2D": {
        const [[top, bottom], [left, right]] = config.padding as [[number, number], [number, number]];
        const pads = graph.integers(0, 0, top, left, 0, 0, bottom, right);
        return map(graph.node("Pad", [this.channelsFirst(this.valueOf(first)), pads], { mode: "constant" }));
      }
      case "Cropping2D": {
        const [[top, bottom], [left, right]] = config.cropping as [[number, number], [number, number]];
        const [height, width] = first.shape.slice(1, 3) as [number, number];
        const [starts, ends] = [graph.integers(top, left), graph.integers(height - bottom, width - right)];
        const x = this.channelsFirst(this.valueOf(first));
        return map(graph.node("Slice", [x, starts, ends, graph.integers(2, 3)]));
      }
      case "UpSampling2D": {
        const [rows, columns] = config.size as [number, number];
        const isNearest = config.interpolation === "nearest";
        return map(
          graph.node("Resize", [this.channelsFirst(this.valueOf(first)), "", graph.floats(1, 1, rows, columns)], {
            mode: isNearest ? "nearest" : "linear",
            coordinate_transformation_mode: "asymmetric",
            ...(isNearest && { nearest_mode: "floor" }),
          }),
        );
      }
      case "MaxPooling2D":
      case "AveragePooling2D": {
        const kernel = config.poolSize as [number, number];
        const strides = config.strides as [number, number];
        const pads = this.padsOf(first, kernel, strides, [1, 1], config.padding);
        return map(
          graph.node(type === "MaxPooling2D" ? "MaxPool" : "AveragePool", [this.channelsFirst(this.valueOf(first))], {
            kernel_shape: big(kernel),
            strides: big(strides),
            pads,
          }),
        );
      }
      case "GlobalAveragePooling2D":
      case "GlobalMaxPooling2D": {
        const operator = type === "GlobalMaxPooling2D" ? "GlobalMaxPool" : "GlobalAveragePool";
        const pooled = graph.node(operator, [this.channelsFirst(this.valueOf(first))]);
        return rest(graph.node("Flatten", [pooled], { axis: 1n }));
      }
      case "Flatten":
      case "Reshape": {
        const shape = graph.integers(0, ...(output.shape.slice(1) as number[]));
        return rest(graph.node("Reshape", [this.plain(this.valueOf(first)), shape]));
      }
      case "Permute":
        return rest(this.turn(this.plain(this.valueOf(first)), [0, ...(config.dims as number[])]));
      case "Dropout":
        return this.valueOf(first);
      default:
        throw this.error(`layer ${layer.name} is a ${type}, which is not known here`);
    }
  }

  /** A convolution with explicit padding; kernels are [H, W, in, out] in tfjs and [out, in, H, W] in ONNX. */
  private convolution(layer: Layer, input: SymbolicTensor, kernel: Float32Array, bias?: Float32Array): Value {
    const config = layer.getConfig() as Record<string, unknown>;
    const isDepthwise = layer.getClassName() === "DepthwiseConv2D";
    const [height, width, inner, outer] = layer.weights[0]!.shape as [number, number, number, number];
    const turned = new Float32Array(kernel.length);
    const area = height * width;
    const channels = inner * outer;
    for (let cell = 0; cell < area; cell++) {
      for (let i = 0; i < inner; i++) {
        for (let o = 0; o < outer; o++) {
          // Depthwise outputs are numbered input by input, as groups are.
          const target = isDepthwise ? i * outer + o : o * inner + i;
          turned[target * area + cell] = kernel[cell * channels + i * outer + o]!;
        }
      }
    }
    const shape = isDepthwise ? [channels, 1, height, width] : [outer, inner, height, width];
    const names = [this.channelsFirst(this.valueOf(input)), this.graph.constant(turned, shape)];
    if (bias) names.push(this.graph.constant(bias, [bias.length]));
    const strides = config.strides as [number, number];
    // tfjs' DepthwiseConv2D has a dilation rate and does not use it.
    const dilations = ((!isDepthwise && config.dilationRate) || [1, 1]) as [number, number];
    const name = this.graph.node("Conv", names, {
      kernel_shape: big([height, width]),
      strides: big(strides),
      dilations: big(dilations),
      group: BigInt(isDepthwise ? inner : 1),
      pads: this.padsOf(input, [height, width], strides, dilations, config.padding),
    });
    return { name, isChannelsFirst: true };
  }

  /** TensorFlow's padding: where the sum is odd, the end gets one more. */
  private padsOf(
    input: SymbolicTensor,
    kernel: readonly number[],
    strides: readonly number[],
    dilations: readonly number[],
    padding: unknown,
  ): bigint[] {
    if (padding !== "same") return big([0, 0, 0, 0]);
    const pairs = [0, 1].map((axis) => {
      const side = input.shape[1 + axis]!;
      const reach = (kernel[axis]! - 1) * dilations[axis]! + 1;
      const total = Math.max(0, (Math.ceil(side / strides[axis]!) - 1) * strides[axis]! + reach - side);
      return [Math.floor(total / 2), Math.ceil(total / 2)] as const;
    });
    return big([pairs[0]![0], pairs[1]![0], pairs[0]![1], pairs[1]![1]]);
  }

  /** The convolution in front of a normalisation with both in one, where nothing else reads the convolution. */
  private foldedNorm(norm: Layer, input: SymbolicTensor): Value | undefined {
    const layer = input.sourceLayer;
    const type = layer.getClassName();
    const isConvolution = type === "Conv2D" || type === "DepthwiseConv2D";
    const isAlone = this.consumers.get(input) === 1 && this.nodesOf(layer).length === 1;
    if (!this.options.foldBatchNorm || !isConvolution || !isAlone) return undefined;
    const { activation = "linear" } = layer.getConfig() as { activation?: unknown };
    if (activation !== "linear") return undefined;
    const { scale, shift } = normTerms(norm);
    const [kernel, bias] = layer.getWeights().map((value) => Float32Array.from(value.dataSync()));
    const channels = scale.length;
    const folded = kernel!.map((value, i) => value * scale[i % channels]!);
    const moved = shift.map((value, c) => value + (bias ? bias[c]! * scale[c]! : 0));
    if (product(layer.weights[0]!.shape.slice(-1) as number[]) !== channels && type === "Conv2D") return undefined;
    return this.convolution(layer, this.nodesOf(layer)[0]!.inputTensors[0]!, folded, moved);
  }

  private activated(value: Value, activation: unknown, output: SymbolicTensor): Value {
    const { graph } = this;
    const { name } = value;
    switch (activation) {
      case undefined:
      case "linear":
        return value;
      case "relu":
        return { ...value, name: graph.node("Relu", [name]) };
      case "relu6":
        return { ...value, name: graph.node("Clip", [name, graph.floats(0), graph.floats(6)]) };
      case "sigmoid":
        return { ...value, name: graph.node("Sigmoid", [name]) };
      case "tanh":
        return { ...value, name: graph.node("Tanh", [name]) };
      case "swish":
        return { ...value, name: graph.node("Mul", [name, graph.node("Sigmoid", [name])]) };
      default:
        throw this.error(
          `layer ${output.sourceLayer.name} has the activation ${String(activation)}, which is not known here`,
        );
    }
  }
}

/** gamma · (x − mean) / √(variance + ε) + beta as scale · x + shift, in double precision. */
function normTerms(layer: Layer): { scale: Float32Array; shift: Float32Array } {
  const { epsilon, scale: hasGamma, center: hasBeta } = layer.getConfig() as Record<string, unknown>;
  const values = layer.getWeights().map((value) => Array.from(value.dataSync()));
  const gamma = hasGamma ? values.shift() : undefined;
  const beta = hasBeta ? values.shift() : undefined;
  const [mean, variance] = values as [number[], number[]];
  const factors = variance.map((value, c) => (gamma?.[c] ?? 1) / Math.sqrt(value + Number(epsilon)));
  return {
    scale: Float32Array.from(factors),
    shift: Float32Array.from(mean, (value, c) => (beta?.[c] ?? 0) - value * factors[c]!),
  };
}
