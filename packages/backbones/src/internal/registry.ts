import { InvalidArgumentError, nearestNames } from "@acr/core";
import type { SymbolicTensor } from "@tensorflow/tfjs-layers";
import type { BackbonePreset } from "../backbone-preset.js";
import { efficientNet } from "./efficientnet.js";
import type { FeatureMaps, GraphOptions } from "./family.js";
import { mobilenetV2 } from "./mobilenet-v2.js";
import { mobilenetV3 } from "./mobilenet-v3.js";
import { CAFFE, IMAGENET, MINUS_ONE_TO_ONE } from "./preprocessing.js";
import { resnet } from "./resnet.js";
import { roundChannels } from "./round-channels.js";
import { MOBILEFACENET_LIKE, PFLD_LIKE, tiny } from "./tiny.js";

/** A preset and the function that builds it. */
export interface Registration {
  preset: BackbonePreset;
  build(input: SymbolicTensor, options: GraphOptions): FeatureMaps;
}

/** α and Keras' parameter count without a head. */
const MOBILENET_V2 = [
  [0.35, 410_208],
  [0.5, 706_224],
  [0.75, 1_382_064],
  [1, 2_257_984],
  [1.3, 3_766_048],
  [1.4, 4_363_712],
] as const;

/** Width, depth, default side and Keras' parameter count without a head, B0 first. */
const EFFICIENTNET = [
  [1, 1, 224, 4_049_571],
  [1, 1.1, 240, 6_575_239],
  [1.1, 1.2, 260, 7_768_569],
  [1.2, 1.4, 300, 10_783_535],
  [1.4, 1.8, 380, 17_673_823],
  [1.6, 2.2, 456, 28_513_527],
  [1.8, 2.6, 528, 40_960_143],
  [2, 3.1, 600, 64_097_687],
] as const;

/** Width, depth, designed side and parameters without a head, lite0 first. */
const EFFICIENTNET_LITE = [
  [1, 1, 224, 3_413_024],
  [1, 1.1, 240, 4_189_344],
  [1.1, 1.2, 260, 4_869_168],
  [1.2, 1.4, 280, 6_992_768],
  [1.4, 1.8, 300, 11_837_936],
] as const;

/** Size, channels of the last map and Keras' parameter count without a head. */
const MOBILENET_V3 = [
  ["small", 576, 939_120],
  ["large", 960, 2_996_352],
] as const;

/** Depth, blocks of the stages, kind of block, parameters without a head (50: as in Keras). */
const RESNET = [
  [18, [2, 2, 2, 2], "basic", 11_186_112],
  [34, [3, 4, 6, 3], "basic", 21_301_696],
  [50, [3, 4, 6, 3], "bottleneck", 23_587_712],
  ["50_v1_5", [3, 4, 6, 3], "bottleneck-v1.5", 23_561_152],
] as const;

/** Name, design, width, parameters without a head, paper. */
const TINY = [
  ["pfld_050", PFLD_LIKE, 0.5, 279_328, "after Guo et al. 2019, arXiv:1902.10859"],
  ["mobilefacenet_100", MOBILEFACENET_LIKE, 1, 923_648, "after Chen et al., CCBR 2018, arXiv:1804.07573"],
] as const;

/** Every backbone, built on demand: nothing registers itself by being imported. */
export function registrations(): Registration[] {
  return [
    ...MOBILENET_V2.map(
      ([alpha, parameterCount]): Registration => ({
        preset: {
          name: `mobilenet_v2_${String(Math.round(alpha * 100)).padStart(3, "0")}`,
          inputSize: 224,
          preprocess: MINUS_ONE_TO_ONE,
          featureCount: alpha > 1 ? roundChannels(1280 * alpha) : 1280,
          parameterCount,
          paper: "Sandler et al., CVPR 2018, arXiv:1801.04381",
        },
        build: (input, options) => mobilenetV2(input, alpha, options),
      }),
    ),
    ...EFFICIENTNET.map(
      ([width, depth, inputSize, parameterCount], size): Registration => ({
        preset: {
          name: `efficientnet_b${size}`,
          inputSize,
          preprocess: { scale: 1, offset: 0 },
          featureCount: roundChannels(1280 * width),
          parameterCount,
          paper: "Tan and Le, ICML 2019, arXiv:1905.11946",
        },
        build: (input, options) => efficientNet(input, { width, depth }, options),
      }),
    ),
    ...EFFICIENTNET_LITE.map(
      ([width, depth, inputSize, parameterCount], size): Registration => ({
        preset: {
          name: `efficientnet_lite${size}`,
          inputSize,
          preprocess: { scale: 1 / 128, offset: -127 / 128 },
          featureCount: 1280,
          parameterCount,
          paper: "Tan and Le, ICML 2019, arXiv:1905.11946, lite variant of 2020",
        },
        build: (input, options) => efficientNet(input, { width, depth, lite: true }, options),
      }),
    ),
    ...MOBILENET_V3.map(
      ([size, featureCount, parameterCount]): Registration => ({
        preset: {
          name: `mobilenet_v3_${size}`,
          inputSize: 224,
          preprocess: MINUS_ONE_TO_ONE,
          featureCount,
          parameterCount,
          paper: "Howard et al., ICCV 2019, arXiv:1905.02244",
        },
        build: (input, options) => mobilenetV3(input, size, options),
      }),
    ),
    ...RESNET.map(
      ([depth, repeats, block, parameterCount]): Registration => ({
        preset: {
          name: `resnet_${depth}`,
          inputSize: 224,
          preprocess: block === "bottleneck" ? CAFFE : IMAGENET,
          featureCount: block === "basic" ? 512 : 2048,
          parameterCount,
          paper: "He et al., CVPR 2016, arXiv:1512.03385",
        },
        build: (input, options) => resnet(input, repeats, block, options),
      }),
    ),
    ...TINY.map(
      ([name, design, width, parameterCount, paper]): Registration => ({
        preset: {
          name,
          inputSize: 112,
          preprocess: MINUS_ONE_TO_ONE,
          featureCount: roundChannels(design.lastChannels * width),
          parameterCount,
          paper,
        },
        build: (input, options) => tiny(input, design, width, options),
      }),
    ),
  ];
}

/** @throws {InvalidArgumentError} unknown name. */
export function findRegistration(caller: string, name: string): Registration {
  const all = registrations();
  const found = all.find(({ preset }) => preset.name === name);
  if (found) return found;
  const names = all.map(({ preset }) => preset.name);
  throw new InvalidArgumentError(
    `${caller}: unknown backbone ${JSON.stringify(name)}. Nearest names: ${nearestNames(String(name), names).join(", ")}. listBackbones() gives all.`,
  );
}
