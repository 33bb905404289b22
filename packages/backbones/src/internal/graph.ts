import { createRandom, type Random } from "@acr/core";
import { layers, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import { Dropout } from "./dropout.js";
import { inferWhileFrozen } from "./infer-while-frozen.js";
import { kernelStart } from "./kernel-start.js";

/** Shape of a feature map without the batch: [H, W, C]. */
const sides = (x: SymbolicTensor) => x.shape.slice(1, 3) as [number, number];

/** What a family fixes for all its layers. */
export interface GraphStyle {
  seed: number | string;
  batchNormMomentum: number;
  batchNormEpsilon: number;
  /** How kernels start; `fan` is that of one output value, so depthwise kernels are not counted as dense ones. */
  kernelStart: "torch-uniform" | "fan-out-normal";
  /** `"symmetric"`: convolutions of stride 2 see as many zeros in front of a picture as behind it, as in PyTorch. Default `"same"`. */
  padding?: "same" | "symmetric";
}

/**
 * Small vocabulary in which the families write their topology: names as in Keras, each kernel seeded by its name, so
 * that adding a layer does not change the start of the others.
 */
export class Graph {
  private readonly random: Random;

  constructor(private readonly style: GraphStyle) {
    this.random = createRandom(style.seed);
  }

  conv(
    x: SymbolicTensor,
    name: string,
    filters: number,
    kernelSize: number,
    options: ConvOptions = {},
  ): SymbolicTensor {
    const { strides = 1, activation, bias = false } = options;
    const { input, padding } = this.padded(x, name, kernelSize, options);
    return layers
      .conv2d({
        name,
        filters,
        kernelSize,
        strides,
        padding,
        useBias: bias,
        activation,
        kernelInitializer: this.start(name, false),
      })
      .apply(input) as SymbolicTensor;
  }

  depthwise(x: SymbolicTensor, name: string, kernelSize: number, options: ConvOptions = {}): SymbolicTensor {
    const { strides = 1 } = options;
    const { input, padding } = this.padded(x, name, kernelSize, options);
    return layers
      .depthwiseConv2d({
        name,
        kernelSize,
        strides,
        padding,
        useBias: false,
        depthwiseInitializer: this.start(name, true),
      })
      .apply(input) as SymbolicTensor;
  }

  /** "same" of stride 2 as a layer of zeros, where the style pads both sides alike: there TensorFlow does not. */
  private padded(x: SymbolicTensor, name: string, kernelSize: number, { strides = 1, padding = "same" }: ConvOptions) {
    const isAlike = this.style.padding === "symmetric" && padding === "same" && strides > 1 && kernelSize > 1;
    if (!isAlike) return { input: x, padding };
    return { input: this.pad(x, `${name}_pad`, Math.floor(kernelSize / 2)), padding: "valid" as const };
  }

  batchNorm(x: SymbolicTensor, name: string): SymbolicTensor {
    const { batchNormMomentum: momentum, batchNormEpsilon: epsilon } = this.style;
    const layer = layers.batchNormalization({ name, momentum, epsilon });
    return inferWhileFrozen(layer).apply(x) as SymbolicTensor;
  }

  relu6(x: SymbolicTensor, name: string): SymbolicTensor {
    return layers.reLU({ name, maxValue: 6 }).apply(x) as SymbolicTensor;
  }

  hardSigmoid(x: SymbolicTensor, name: string): SymbolicTensor {
    const shifted = layers.rescaling({ name: `${name}_shift`, scale: 1, offset: 3 }).apply(x) as SymbolicTensor;
    const clipped = this.relu6(shifted, `${name}_clip`);
    return layers.rescaling({ name, scale: 1 / 6, offset: 0 }).apply(clipped) as SymbolicTensor;
  }

  /** x · relu6(x + 3) / 6 of layers that plain tfjs has. */
  hardSwish(x: SymbolicTensor, name: string): SymbolicTensor {
    return this.multiply(x, this.hardSigmoid(x, `${name}_gate`), name);
  }

  multiply(x: SymbolicTensor, y: SymbolicTensor, name: string): SymbolicTensor {
    return layers.multiply({ name }).apply([x, y]) as SymbolicTensor;
  }

  pad(x: SymbolicTensor, name: string, cells: number): SymbolicTensor {
    const sides: [number, number] = [cells, cells];
    return layers.zeroPadding2d({ name, padding: [sides, sides] }).apply(x) as SymbolicTensor;
  }

  maxPool(x: SymbolicTensor, name: string, poolSize: number, strides: number): SymbolicTensor {
    return layers.maxPooling2d({ name, poolSize, strides, padding: "valid" }).apply(x) as SymbolicTensor;
  }

  relu(x: SymbolicTensor, name: string): SymbolicTensor {
    return layers.reLU({ name }).apply(x) as SymbolicTensor;
  }

  dense(x: SymbolicTensor, name: string, units: number): SymbolicTensor {
    return layers.dense({ name, units, kernelInitializer: this.start(name, false) }).apply(x) as SymbolicTensor;
  }

  activation(x: SymbolicTensor, name: string, activation: "swish"): SymbolicTensor {
    return layers.activation({ name, activation }).apply(x) as SymbolicTensor;
  }

  add(x: SymbolicTensor, y: SymbolicTensor, name: string): SymbolicTensor {
    return layers.add({ name }).apply([x, y]) as SymbolicTensor;
  }

  /** shortcut + branch, where the branch is left out in training with a chance (Huang et al., ECCV 2016, per picture). */
  residual(shortcut: SymbolicTensor, branch: SymbolicTensor, block: string, dropRate: number): SymbolicTensor {
    const kept = dropRate > 0 ? this.dropout(branch, `${block}_drop`, dropRate, [null, 1, 1, 1]) : branch;
    return this.add(shortcut, kept, `${block}_add`);
  }

  dropout(x: SymbolicTensor, name: string, rate: number, noiseShape?: (number | null)[]): SymbolicTensor {
    const seed = this.random.fork(name).integer(2 ** 31 - 1);
    return new Dropout({ name, rate, noiseShape, maskSeed: seed }).apply(x) as SymbolicTensor;
  }

  /**
   * Pads so that a following `valid` convolution of stride 2 sees what Keras' `correct_pad` shows it: one row and
   * column less at the start where the side is even; or both sides alike, where the style says so.
   */
  padForStride(x: SymbolicTensor, name: string, kernelSize: number): SymbolicTensor {
    const half = Math.floor(kernelSize / 2);
    if (this.style.padding === "symmetric") return this.pad(x, name, half);
    const padding = sides(x).map((side) => [half - (1 - (side % 2)), half]) as [[number, number], [number, number]];
    return layers.zeroPadding2d({ name, padding }).apply(x) as SymbolicTensor;
  }

  private start(name: string, isDepthwise: boolean) {
    const seed = this.random.fork(name).integer(2 ** 31 - 1);
    // tfjs takes [h, w, C, 1] for h·w·C inputs of one output; a depthwise output has h·w, which is tfjs' "fan out".
    return this.style.kernelStart === "torch-uniform"
      ? kernelStart({ scale: 1 / 3, mode: isDepthwise ? "fanOut" : "fanIn", distribution: "uniform", seed })
      : kernelStart({ scale: 2, mode: "fanOut", distribution: "normal", seed });
  }
}

/** Options of one convolution. */
interface ConvOptions {
  strides?: number;
  padding?: "same" | "valid";
  activation?: "swish" | "sigmoid";
  bias?: boolean;
}
