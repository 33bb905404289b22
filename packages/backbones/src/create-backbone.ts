import { checkOptions, InvalidArgumentError, nearestNames } from "@acr/core";
import { type LayersModel, layers, model, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import { mobilenetV2 } from "./mobilenet-v2.js";

/** Options of `createBackbone`. */
export interface BackboneOptions {
  /** Side of the square input in pixels, >= 32. Default 224. */
  inputSize?: number;
  /** `"avg"` adds global average pooling: output `[B, C]`. Default: the feature map `[B, H/32, W/32, C]`. */
  pooling?: "avg";
  /** Seed of the initial weights. Default 0. */
  seed?: number;
  /** Momentum of the moving statistics of BatchNormalization, in (0, 1). Default 0.999, as Keras Applications. */
  batchNormMomentum?: number;
}

/** What a registry entry states. */
export interface BackboneInfo {
  name: string;
  /** How pixels (0–255) become what the network wants: x · scale + offset. */
  preprocess: { scale: number; offset: number };
  paper: string;
  build(options: Required<Omit<BackboneOptions, "pooling">>): LayersModel;
}

const MOBILENET_V2_WIDTHS = [0.35, 0.5, 0.75, 1, 1.3, 1.4];

const REGISTRY: readonly BackboneInfo[] = MOBILENET_V2_WIDTHS.map((width) => ({
  name: `mobilenet_v2_${Math.round(width * 100).toString().padStart(3, "0")}`,
  preprocess: { scale: 1 / 127.5, offset: -1 },
  paper: "arXiv:1801.04381",
  build: (options) => mobilenetV2({ width, ...options }),
}));

/**
 * Names of the backbones, all or those that match a pattern with `*`.
 *
 * @example listBackbones("mobilenet_v2_1*"); // ["mobilenet_v2_100", "mobilenet_v2_130", "mobilenet_v2_140"]
 */
export function listBackbones(pattern = "*"): string[] {
  const expression = new RegExp(`^${pattern.split("*").map((part) => part.replaceAll(/[^\w]/g, "\\$&")).join(".*")}$`);
  return REGISTRY.map(({ name }) => name).filter((name) => expression.test(name));
}

/**
 * What is known of a backbone: preprocessing and paper.
 *
 * @throws {InvalidArgumentError} unknown name; the message gives the nearest ones.
 * @example getBackboneInfo("mobilenet_v2_050").preprocess; // { scale: 1 / 127.5, offset: -1 }
 */
export function getBackboneInfo(name: string): BackboneInfo {
  const info = REGISTRY.find((entry) => entry.name === name);
  if (info) return info;
  const names = listBackbones();
  throw new InvalidArgumentError(`createBackbone: unknown backbone "${name}"; did you mean ${nearestNames(String(name), names, 3).join(" or ")}? Valid names: ${names.join(", ")}.`);
}

/**
 * A feature extractor as a plain tfjs LayersModel, with Keras Applications' topology, layer names and parameter count.
 * Weights are random, from the seed.
 *
 * @param name - one of `listBackbones()`.
 * @returns a model from `[B, H, W, 3]`, preprocessed, to features. The caller disposes it.
 * @throws {InvalidArgumentError} unknown name or option, inputSize below 32.
 * @example const backbone = createBackbone("mobilenet_v2_100", { inputSize: 224, pooling: "avg" });
 */
export function createBackbone(name: string, options: BackboneOptions = {}): LayersModel {
  checkOptions("createBackbone", options, ["inputSize", "pooling", "seed", "batchNormMomentum"]);
  const { inputSize = 224, pooling, seed = 0, batchNormMomentum = 0.999 } = options;
  const info = getBackboneInfo(name);
  if (!Number.isInteger(inputSize) || inputSize < 32) throw new InvalidArgumentError(`createBackbone: inputSize must be an integer >= 32; got ${inputSize}.`);
  if (pooling !== undefined && pooling !== "avg") throw new InvalidArgumentError(`createBackbone: pooling must be "avg" or absent; got ${JSON.stringify(pooling)}.`);
  const features = info.build({ inputSize, seed, batchNormMomentum });
  if (pooling === undefined) return features;
  const pooled = layers.globalAveragePooling2d({ name: "global_average_pooling2d" }).apply(features.outputs[0]!) as SymbolicTensor;
  return model({ inputs: features.inputs, outputs: pooled, name: features.name });
}
