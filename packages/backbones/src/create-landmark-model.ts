import { checkOptions, InvalidArgumentError, ShapeError } from "@acr/core";
import { input, type LayersModel, model } from "@tensorflow/tfjs-layers";
import type { BackbonePreset } from "./backbone-preset.js";
import { checkEpsilon, checkInputSize, checkOneOf, checkRange, checkSeed } from "./internal/check.js";
import { Graph } from "./internal/graph.js";
import { type HeadName, landmarkHeads } from "./internal/heads/landmark-heads.js";
import { loadInto } from "./internal/load-into.js";
import { checkPreprocess, namedPreprocess, preprocessing } from "./internal/preprocessing.js";
import { findRegistration } from "./internal/registry.js";
import type { WeightsSource } from "./internal/source-bytes.js";

/** Options of `createLandmarkModel`. */
export interface LandmarkModelOptions {
  /** One of `listBackbones()`. */
  backbone: string;
  /** K, 1 … 65,536. */
  landmarkCount: number;
  /** Side of the square crops, or [height, width], pixels, 32 … 16,384. Default: the backbone's own size. */
  imageSize?: number | readonly [number, number];
  /** Share of features (of whole maps, but for `gap`) dropped in training, in front of the last layer, [0, 1). Default 0. */
  dropout?: number;
  /**
   * How landmarks are read from the features. `"gap"`: global average pooling, dropout, one linear layer (the paper's);
   * `"integral"`: a heat map each and its mean place; `"simcc"`: bins of x and of y; `"pip"`: coarse cells and offsets.
   * Default `"gap"`.
   */
  head?: HeadName;
  /**
   * 2K coordinates in the `centered` frame: where predictions of `gap` start (default: the centre of the crop), and what
   * tells `pip` the neighbours (default: none).
   */
  meanShape?: ArrayLike<number>;
  /**
   * Momentum of all BatchNorm layers, [0, 1). Default 0.99: Keras' 0.999 for MobileNetV2 needs thousands of steps until
   * the moving statistics, which predictions use, have caught up with the weights.
   */
  batchNormMomentum?: number;
  /** Epsilon of the backbone's BatchNorm layers, > 0. Default: the family's own. See `createBackbone`. */
  batchNormEpsilon?: number;
  /** Where the backbone's convolutions of stride 2 put their zeros. Default `"same"`. See `createBackbone`. */
  padding?: "same" | "symmetric";
  /**
   * What maps pixels 0–255 to the backbone's input: its numbers, `"minus-one-to-one"`, or `"imagenet"` (mean 0 and deviation 1 over
   * ImageNet, as PyTorch's weights want). Default: the backbone's own. EfficientNet B0–B7 normalises inside and takes no name.
   */
  preprocess?: "minus-one-to-one" | "imagenet" | BackbonePreset["preprocess"];
  /** Chance of skipping the last residual branch in training, [0, 1). Default 0.2 for EfficientNet, else 0. */
  dropPath?: number;
  /** Seed of starting weights and dropout masks. Default 0. */
  seed?: number | string;
  /**
   * Weights of Keras or PyTorch that the backbone starts with: a path in Node, a URL, or bytes; the head starts afresh. With
   * them `createLandmarkModel` returns a promise. Default: random ones.
   */
  weights?: WeightsSource;
}

/** Of the head's BatchNorm layers; the families here use the same. */
const HEAD_EPSILON = 1e-3;

/** Dense meshes of faces have some 50,000; far above, the last layer alone fills the memory. */
const MAXIMUM_LANDMARKS = 65_536;

const KNOWN_OPTIONS = [
  "backbone",
  "landmarkCount",
  "imageSize",
  "dropout",
  "head",
  "meanShape",
  "batchNormMomentum",
  "batchNormEpsilon",
  "padding",
  "preprocess",
  "dropPath",
  "seed",
  "weights",
];

/**
 * A network that predicts landmarks from a face crop: preprocessing, backbone, head. A plain tfjs LayersModel made of
 * standard layers only: what it saves, plain tfjs loads.
 *
 * Input [B, H, W, 3], values 0 … 255. Output [B, K, 2], (x, y) in the `centered` frame (crop side = 1, centre = 0).
 * The linear layer of `gap` starts with a zero kernel and the mean shape as bias, so that training starts at the mean shape.
 * Heads with a loss of their own are trained through `createHeadTraining`; `predictLandmarks` also gives confidences.
 *
 * @returns a LayersModel, owned by the caller; with `weights`, a promise of it.
 * @throws {InvalidArgumentError} unknown backbone (with the nearest ones) or option, or a value out of range.
 * @throws {DataFormatError | ShapeError} (the promise) the file of weights is none, or does not fit.
 * @throws {ShapeError} meanShape has not 2K finite values.
 * @example
 * const model = createLandmarkModel({ backbone: "mobilenet_v2_050", landmarkCount: 68, imageSize: 112, seed: 1 });
 * model.predict(tf.zeros([1, 112, 112, 3])).shape; // [1, 68, 2]
 */
export function createLandmarkModel(options: LandmarkModelOptions & { weights: WeightsSource }): Promise<LayersModel>;
export function createLandmarkModel(options: LandmarkModelOptions & { weights?: undefined }): LayersModel;
export function createLandmarkModel(options: LandmarkModelOptions): LayersModel | Promise<LayersModel>;
export function createLandmarkModel(options: LandmarkModelOptions): LayersModel | Promise<LayersModel> {
  const caller = "createLandmarkModel";
  checkOptions(caller, options, KNOWN_OPTIONS);
  const {
    backbone,
    landmarkCount,
    dropout = 0,
    head = "gap",
    meanShape,
    batchNormMomentum = 0.99,
    batchNormEpsilon,
    padding = "same",
    preprocess,
    dropPath,
    seed = 0,
    weights,
  } = options ?? {};
  const { preset, build } = findRegistration(caller, backbone);
  if (!Number.isInteger(landmarkCount) || landmarkCount < 1) {
    throw new InvalidArgumentError(`${caller}: landmarkCount must be an integer >= 1; got ${String(landmarkCount)}.`);
  }
  if (landmarkCount > MAXIMUM_LANDMARKS) {
    throw new InvalidArgumentError(
      `${caller}: landmarkCount must be at most ${MAXIMUM_LANDMARKS}; got ${landmarkCount}.`,
    );
  }
  const [height, width] = checkInputSize(caller, "imageSize", options.imageSize ?? preset.inputSize);
  checkRange(caller, "dropout", dropout);
  checkOneOf(caller, "head", head, Object.keys(landmarkHeads));
  checkRange(caller, "batchNormMomentum", batchNormMomentum);
  if (dropPath !== undefined) checkRange(caller, "dropPath", dropPath);
  if (batchNormEpsilon !== undefined) checkEpsilon(caller, "batchNormEpsilon", batchNormEpsilon);
  checkOneOf(caller, "padding", padding, ["same", "symmetric"]);
  checkPreprocess(caller, preprocess);
  if (typeof preprocess === "string" && preset.preprocess.scale === 1 && preset.preprocess.offset === 0) {
    throw new InvalidArgumentError(
      `${caller}: preprocess must be left out: ${backbone} normalises pixels 0–255 inside; got ${JSON.stringify(preprocess)}.`,
    );
  }
  checkSeed(caller, seed);
  const units = 2 * landmarkCount;
  if (
    meanShape !== undefined &&
    (meanShape?.length !== units || !Array.from(meanShape as ArrayLike<unknown>).every(Number.isFinite))
  ) {
    const got = meanShape?.length === undefined ? String(meanShape) : `${meanShape.length} values`;
    throw new ShapeError(`${caller}: meanShape must be 2K = ${units} finite numbers; got ${got}.`);
  }

  const images = input({ shape: [height, width, 3], name: "image" });
  const pixels = preprocessing(images, preprocess === undefined ? preset.preprocess : namedPreprocess(preprocess));
  const { maps, poolingName } = build(pixels, { seed, batchNormMomentum, batchNormEpsilon, padding, dropPath });
  const graph = new Graph({ seed, batchNormMomentum, batchNormEpsilon: HEAD_EPSILON, kernelStart: "torch-uniform" });
  const landmarks = landmarkHeads[head].build({
    graph,
    maps,
    landmarkCount,
    inputSize: [height, width],
    dropout,
    meanShape: meanShape && Array.from(meanShape),
    poolingName: poolingName.avg,
  });
  const result = model({ name: `${backbone}_landmarks`, inputs: images, outputs: landmarks });
  return weights === undefined ? result : loadInto(caller, result, weights);
}
