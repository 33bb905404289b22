import { InvalidArgumentError, nearestNames } from "@acr/core";
import type { SymbolicTensor } from "@tensorflow/tfjs-layers";
import type { BackbonePreset } from "../backbone-preset.js";
import { efficientNet } from "./efficientnet.js";
import type { FeatureMaps, GraphOptions } from "./family.js";
import { mobilenetV2 } from "./mobilenet-v2.js";
import { roundChannels } from "./round-channels.js";

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

/** Every backbone, built on demand: nothing registers itself by being imported. */
export function registrations(): Registration[] {
  return [
    ...MOBILENET_V2.map(
      ([alpha, parameterCount]): Registration => ({
        preset: {
          name: `mobilenet_v2_${String(Math.round(alpha * 100)).padStart(3, "0")}`,
          inputSize: 224,
          preprocess: { scale: 1 / 127.5, offset: -1 },
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
