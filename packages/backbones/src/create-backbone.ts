import { checkOptions, InvalidArgumentError } from "@acr/core";
import { input, type LayersModel, layers, model, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import { freezeLayers } from "./freeze-layers.js";
import { checkBoolean, checkEpsilon, checkInputSize, checkOneOf, checkRange, checkSeed } from "./internal/check.js";
import { loadInto } from "./internal/load-into.js";
import { findRegistration } from "./internal/registry.js";
import type { WeightsSource } from "./internal/source-bytes.js";

/** Every family has a map at strides 2, 4, 8, 16 and 32. */
const STRIDE_COUNT = 5;

/** Options of `createBackbone`. */
export interface BackboneOptions {
  /** Side of square pictures, or [height, width], pixels, 32 … 16,384. Default: the size the backbone was designed for. */
  inputSize?: number | readonly [number, number];
  /** What follows the last feature map: `"none"` leaves it [B, H, W, C]; the others give [B, C]. Default `"none"`. */
  pooling?: "none" | "avg" | "max";
  /**
   * Outputs a feature pyramid instead: 0 … 4 stand for the last map at strides 2, 4, 8, 16, 32. Excludes `pooling`.
   * Default: the last map only.
   */
  outputIndices?: readonly number[];
  /** Whether the weights train. If not, BatchNorm keeps and uses its moving statistics in training too. Default true. */
  trainable?: boolean;
  /** Chance of skipping the last residual branch in training, [0, 1), falling linearly to 0 at the first. Default 0.2 for EfficientNet, else 0. */
  dropPath?: number;
  /** Momentum of all BatchNorm layers, [0, 1). Default: the family's own, as in Keras: MobileNet 0.999, EfficientNet 0.99. */
  batchNormMomentum?: number;
  /** Epsilon of all BatchNorm layers, > 0. Default: the family's own, as in Keras: 1e-3, ResNet 1e-5. PyTorch's is 1e-5. */
  batchNormEpsilon?: number;
  /**
   * Where convolutions of stride 2 put their zeros: `"same"` as TensorFlow (one less in front than behind on even sides), or
   * `"symmetric"` as PyTorch. Take what the weights were trained with. ResNets are symmetric whatever this says. Default `"same"`.
   */
  padding?: "same" | "symmetric";
  /** Seed of the starting weights. Default 0. */
  seed?: number | string;
  /**
   * Weights of Keras or PyTorch to start with, as `loadWeights` reads them: a path in Node, a URL, or bytes. With them
   * `createBackbone` returns a promise. A classifier that the file holds is left out. Default: random ones.
   */
  weights?: WeightsSource;
}

/**
 * A convolutional network that turns pictures into features, with the layers, names, paddings and parameters of Keras
 * Applications (without top), where it has the model. A plain tfjs LayersModel: it trains, saves and loads like any other.
 *
 * Input: [B, H, W, 3] after `getBackbonePreset(name).preprocess` (MobileNet: −1 … 1; EfficientNet B0–B7: 0 … 255).
 * Weights are random, equal for equal seeds, unless `weights` names a file.
 *
 * @param name - one of `listBackbones()`.
 * @returns a LayersModel, owned by the caller; with `weights`, a promise of it. Output [B, H/32, W/32, C], [B, C] when pooled, or
 * one map per index.
 * @throws {InvalidArgumentError} unknown name (with the nearest ones) or option, or a value out of range.
 * @throws {DataFormatError | ShapeError} (the promise) the file is none, or does not fit; no model is left behind.
 * @see Sandler et al., CVPR 2018, arXiv:1801.04381; Tan and Le, ICML 2019, arXiv:1905.11946.
 * @example
 * const backbone = createBackbone("mobilenet_v2_050", { inputSize: 112, pooling: "avg", seed: 1 });
 * backbone.predict(tf.zeros([1, 112, 112, 3])).shape; // [1, 1280]
 * const trained = await createBackbone("efficientnet_b0", { weights: "efficientnetb0_notop.h5" });
 */
export function createBackbone(
  name: string,
  options: BackboneOptions & { weights: WeightsSource },
): Promise<LayersModel>;
export function createBackbone(name: string, options?: BackboneOptions & { weights?: undefined }): LayersModel;
export function createBackbone(name: string, options?: BackboneOptions): LayersModel | Promise<LayersModel>;
export function createBackbone(name: string, options: BackboneOptions = {}): LayersModel | Promise<LayersModel> {
  const caller = "createBackbone";
  checkOptions(caller, options, [
    "inputSize",
    "pooling",
    "outputIndices",
    "trainable",
    "dropPath",
    "batchNormMomentum",
    "batchNormEpsilon",
    "padding",
    "seed",
    "weights",
  ]);
  const { preset, build } = findRegistration(caller, name);
  const { pooling = "none", outputIndices, trainable = true, seed = 0, weights } = options;
  const { dropPath, batchNormMomentum, batchNormEpsilon, padding = "same" } = options;
  const [height, width] = checkInputSize(caller, "inputSize", options.inputSize ?? preset.inputSize);
  checkOneOf(caller, "pooling", pooling, ["none", "avg", "max"]);
  if (dropPath !== undefined) checkRange(caller, "dropPath", dropPath);
  if (batchNormMomentum !== undefined) checkRange(caller, "batchNormMomentum", batchNormMomentum);
  if (batchNormEpsilon !== undefined) checkEpsilon(caller, "batchNormEpsilon", batchNormEpsilon);
  checkOneOf(caller, "padding", padding, ["same", "symmetric"]);
  checkSeed(caller, seed);
  checkBoolean(caller, "trainable", trainable);
  if (outputIndices !== undefined) checkOutputIndices(caller, outputIndices);
  if (outputIndices && pooling !== "none") {
    throw new InvalidArgumentError(
      `${caller}: outputIndices and pooling exclude each other; got both. Pool the maps yourself.`,
    );
  }

  const images = input({ shape: [height, width, 3], name: "input_layer" });
  const { maps, poolingName } = build(images, { seed, batchNormMomentum, batchNormEpsilon, padding, dropPath });
  const last = maps[maps.length - 1]!;
  let outputs: SymbolicTensor | SymbolicTensor[] = last;
  if (outputIndices) {
    outputs = outputIndices.map((index) => maps[index]!);
  } else if (pooling === "avg") {
    outputs = layers.globalAveragePooling2d({ name: poolingName.avg }).apply(last) as SymbolicTensor;
  } else if (pooling === "max") {
    outputs = layers.globalMaxPooling2d({ name: poolingName.max }).apply(last) as SymbolicTensor;
  }
  const backbone = model({ name, inputs: images, outputs });
  if (!trainable) freezeLayers(backbone, ["*"]);
  return weights === undefined ? backbone : loadInto(caller, backbone, weights);
}

/** Before a layer is built: what is built has weights, which an error would leave behind. */
function checkOutputIndices(caller: string, indices: unknown): void {
  if (!Array.isArray(indices)) {
    throw new InvalidArgumentError(
      `${caller}: outputIndices must be a list of integers 0 … ${STRIDE_COUNT - 1}; got ${JSON.stringify(indices)}.`,
    );
  }
  if (indices.length === 0)
    throw new InvalidArgumentError(`${caller}: outputIndices must name one map at least; got none.`);
  const odd = indices.findIndex((index) => !(Number.isInteger(index) && index >= 0 && index < STRIDE_COUNT));
  if (odd < 0) return;
  const got = typeof indices[odd] === "number" ? String(indices[odd]) : JSON.stringify(indices[odd]);
  throw new InvalidArgumentError(`${caller}: outputIndices must be integers 0 … ${STRIDE_COUNT - 1}; got ${got}.`);
}
