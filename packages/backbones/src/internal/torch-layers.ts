import { DataFormatError, InvalidArgumentError } from "@acr/core";
import type { LayersModel, layers } from "@tensorflow/tfjs-layers";
import type { LayerWeights, SourceTensor } from "./layer-weights.js";
import type { SafeTensor } from "./safetensors.js";
import { type TorchModules, type TorchNaming, torchModules } from "./torch-modules.js";

type Layer = layers.Layer;

/** Names here and there of a normalisation's arrays, in Keras' order. */
const NORM_ARRAYS = [
  ["gamma", "weight"],
  ["beta", "bias"],
  ["moving_mean", "running_mean"],
  ["moving_variance", "running_var"],
] as const;

/** Arrays that PyTorch saves and nothing needs. */
const isCounter = (name: string) => name.endsWith(".num_batches_tracked");

/**
 * The arrays of a PyTorch file as the layers of a model want them: Keras' names, Keras' layouts.
 *
 * Convolutions [out, in, H, W] become [H, W, in, out]; depthwise ones [channels, 1, H, W] become [H, W, channels, 1].
 *
 * @throws {InvalidArgumentError} the model's architecture has no counterpart in PyTorch.
 * @throws {DataFormatError} the file holds another architecture, or an array is absent.
 */
export function torchLayers(
  caller: string,
  model: LayersModel,
  tensors: SafeTensor[],
  file: string,
): { naming: TorchNaming; layers: LayerWeights[]; ignored: string[] } {
  const known = torchModules(model);
  if (!known) {
    throw new InvalidArgumentError(
      `${caller}: ${file} comes from PyTorch, which has no counterpart of ${model.name}; expected a MobileNet V2 or V3, an EfficientNet or a ResNet.`,
    );
  }
  const arrays = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const prefix = commonPrefix(known.timm, tensors);
  const score = (modules: TorchModules) =>
    [...modules.values()].filter((module) => arrays.has(`${prefix}${module}.weight`)).length;
  const naming: TorchNaming = score(known.timm) >= score(known.torchvision) ? "timm" : "torchvision";
  const modules = known[naming];
  const used = new Set<SafeTensor>();
  const take = (name: string) => {
    const found = arrays.get(`${prefix}${name}`);
    if (found) used.add(found);
    return found;
  };
  const result: LayerWeights[] = [];
  for (const layer of model.layers) {
    const module = modules.get(layer.name);
    if (module === undefined || !arrays.has(`${prefix}${module}.weight`)) continue;
    const sources: SourceTensor[] = [];
    const isNorm = layer.getClassName() === "BatchNormalization";
    const pairs = isNorm
      ? NORM_ARRAYS
      : ([
          ["kernel", "weight"],
          ["bias", "bias"],
        ] as const);
    for (const [ours, theirs] of pairs) {
      const found = take(`${module}.${theirs}`);
      if (found) sources.push(sourceOf(layer, ours, found));
      else if (isNorm) {
        throw new DataFormatError(
          `${prefix}${module}.${theirs} is absent; ${layer.name} needs ${NORM_ARRAYS.map(([, name]) => name).join(", ")}.`,
          { file },
        );
      }
    }
    result.push({ name: layer.name, tensors: sources });
  }
  const ignored = tensors.filter((tensor) => !used.has(tensor) && !isCounter(tensor.name)).map(({ name }) => name);
  return { naming, layers: result, ignored };
}

/** What stands in front of every name, as in files of models that hold a backbone as a part. */
function commonPrefix(modules: TorchModules, tensors: SafeTensor[]): string {
  const stem = `${[...modules.values()][0]}.weight`;
  const other = "features.0.0.weight";
  for (const { name } of tensors)
    for (const end of [stem, other]) if (name === end || name.endsWith(`.${end}`)) return name.slice(0, -end.length);
  return "";
}

function sourceOf(layer: Layer, name: string, { name: path, shape, read }: SafeTensor): SourceTensor {
  if (name !== "kernel" || shape.length !== 4) return { name, path, shape, read };
  const [outer, inner, height, width] = shape as [number, number, number, number];
  const isDepthwise = layer.getClassName() === "DepthwiseConv2D";
  // [outer, inner] stay in their order for depthwise kernels, whose channels PyTorch counts as outputs.
  const [rows, columns] = isDepthwise ? [outer, inner] : [inner, outer];
  return {
    name,
    path,
    shape: [height, width, rows, columns],
    read: () => {
      const from = read();
      const to = new Float32Array(from.length);
      const area = height * width;
      for (let o = 0; o < outer; o++) {
        for (let i = 0; i < inner; i++) {
          const place = isDepthwise ? o * inner + i : i * outer + o;
          const start = (o * inner + i) * area;
          for (let cell = 0; cell < area; cell++) to[cell * outer * inner + place] = from[start + cell]!;
        }
      }
      return to;
    },
  };
}
