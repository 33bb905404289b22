import { checkOptions, InvalidArgumentError, ShapeError } from "@acr/core";
import { tensor1d, tidy, zeros } from "@tensorflow/tfjs-core";
import { input, type LayersModel, layers, model, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import { createBackbone, getBackboneInfo } from "./create-backbone.js";

/** Options of `createLandmarkModel`. */
export interface LandmarkModelOptions {
  /** One of `listBackbones()`. */
  backbone: string;
  /** K, >= 1. */
  landmarkCount: number;
  /** Side of the square input in pixels, >= 32. Default 224. */
  imageSize?: number;
  /** Share of the pooled features dropped in training, in [0, 1). Default 0. */
  dropout?: number;
  /** `"gap"`: global average pooling and a linear layer, as in the paper. Default `"gap"`. */
  head?: "gap";
  /** Where the head's bias starts: a flat shape of 2K numbers in the `centered` frame. Default: zeros. */
  meanShape?: ArrayLike<number>;
  /** Seed of the initial weights. Default 0. */
  seed?: number;
  /** Momentum of the moving statistics, in (0, 1). Default 0.99: a run of a few thousand steps forgets its start. */
  batchNormMomentum?: number;
}

const OPTIONS = ["backbone", "landmarkCount", "imageSize", "dropout", "head", "meanShape", "seed", "batchNormMomentum"];

/**
 * A landmark regressor as a plain tfjs LayersModel: preprocessing, backbone, head.
 *
 * Input `[B, H, W, 3]`, values 0–255. Output `[B, K, 2]` in the `centered` frame (crop side = 1, centre = 0). The last
 * layer starts with zero weights, so that an untrained model predicts `meanShape`.
 *
 * @throws {InvalidArgumentError} an unknown backbone, head or option, or a value out of range.   @throws {ShapeError} meanShape has not 2K numbers.
 * @example const model = createLandmarkModel({ backbone: "mobilenet_v2_050", landmarkCount: 68, imageSize: 112 });
 */
export function createLandmarkModel(options: LandmarkModelOptions): LayersModel {
  checkOptions("createLandmarkModel", options, OPTIONS);
  const { backbone: name, landmarkCount, imageSize = 224, dropout = 0, head = "gap", meanShape, seed = 0, batchNormMomentum = 0.99 } = options;
  const check = (valid: boolean, what: string) => {
    if (!valid) throw new InvalidArgumentError(`createLandmarkModel: ${what}.`);
  };
  check(Number.isInteger(landmarkCount) && landmarkCount >= 1, `landmarkCount must be an integer >= 1; got ${landmarkCount}`);
  check(dropout >= 0 && dropout < 1, `dropout must be in [0, 1); got ${dropout}`);
  check(head === "gap", `head must be "gap"; got ${JSON.stringify(head)}`);
  if (meanShape && meanShape.length !== landmarkCount * 2) {
    throw new ShapeError(`createLandmarkModel: meanShape must hold ${landmarkCount * 2} numbers; got ${meanShape.length}.`);
  }
  const { scale, offset } = getBackboneInfo(name).preprocess;
  const backbone = createBackbone(name, { inputSize: imageSize, seed, batchNormMomentum });
  const image = input({ shape: [imageSize, imageSize, 3], name: "image" });
  const apply = (layer: layers.Layer, x: SymbolicTensor) => layer.apply(x) as SymbolicTensor;
  // The backbone's layers are applied one by one, so that the result is one flat graph and not a model inside a model.
  let x = graft(backbone, apply(layers.rescaling({ name: "preprocess", scale, offset }), image));
  x = apply(layers.globalAveragePooling2d({ name: "pool" }), x);
  if (dropout > 0) x = apply(layers.dropout({ name: "dropout", rate: dropout, seed }), x);
  const regressor = layers.dense({ name: "regressor", units: landmarkCount * 2, kernelInitializer: "zeros" });
  x = apply(regressor, x);
  if (meanShape) {
    tidy(() => regressor.setWeights([zeros(regressor.getWeights()[0]!.shape), tensor1d(Float32Array.from(meanShape))]));
  }
  return model({ inputs: image, outputs: apply(layers.reshape({ name: "landmarks", targetShape: [landmarkCount, 2] }), x), name: `${name}_landmarks` });
}

/** Rebuilds a model's graph, with its own layers, on another input. */
function graft(source: LayersModel, start: SymbolicTensor): SymbolicTensor {
  const moved = new Map<SymbolicTensor, SymbolicTensor>([[source.inputs[0]!, start]]);
  const move = (tensor: SymbolicTensor): SymbolicTensor => {
    let result = moved.get(tensor);
    if (!result) {
      const inputs = tensor.inputs.map(move);
      result = tensor.sourceLayer.apply(inputs.length === 1 ? inputs[0]! : inputs) as SymbolicTensor;
      moved.set(tensor, result);
    }
    return result;
  };
  return move(source.outputs[0]!);
}
