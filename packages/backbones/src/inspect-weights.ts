import { checkOptions } from "@acr/core";
import { backbonesOfSize } from "./internal/backbones-of-size.js";
import type { SourceTensor } from "./internal/layer-weights.js";
import { isHdf5, isZip, type KerasFileKind, noWeights, openKerasFile } from "./internal/open-keras-file.js";
import { isSafetensors, readSafetensors } from "./internal/safetensors.js";
import { sourceBytes, sourceName, type WeightsSource } from "./internal/source-bytes.js";

/** One array of a weights file. */
export interface InspectedArray {
  /** Its short name, or in Keras 3 files its number. */
  name: string;
  /** As the file lays it out. */
  shape: number[];
  /** Least and greatest of its finite values; NaN where it has none. */
  minimum: number;
  maximum: number;
  /** Values that are NaN or infinite. */
  nonFiniteCount: number;
}

/** What `inspectWeights` found. */
export interface WeightsInspection {
  kind: KerasFileKind | "safetensors";
  /** All numbers of all layers. */
  parameterCount: number;
  /** Values that are NaN or infinite: such a file is refused by the loaders. */
  nonFiniteCount: number;
  /** Backbones here with as many parameters, a classifier's left out: probably what the file is for. */
  backbones: string[];
  /** Layers (of PyTorch: modules) in the file's order. */
  layers: { name: string; arrays: InspectedArray[] }[];
}

/** A file that is only looked at may be of any model, but no zip bomb. */
const MAXIMUM_UNPACKED = 2 ** 30;
/** Arrays that count batches are no parameters. */
const isCounter = (name: string) => name.endsWith("num_batches_tracked");

/**
 * What a file of weights holds: its kind, layers, arrays, shapes and ranges.
 *
 * @param file - of Keras (`.h5`, `.weights.h5`, `.keras`) or PyTorch (safetensors): its bytes, its URL, or in Node its path.
 * @param options.fileName - what to call the file in errors, where `file` is bytes.
 * @throws {InvalidArgumentError} file is none of these.
 * @throws {DataFormatError} no such file, or damaged.
 * @example (await inspectWeights("mobilenet_v2.h5")).layers[0]; // { name: "Conv1", arrays: [{ name: "kernel", shape: [3, 3, 3, 16], … }] }
 */
export async function inspectWeights(
  file: WeightsSource,
  options: { fileName?: string } = {},
): Promise<WeightsInspection> {
  const caller = "inspectWeights";
  checkOptions(caller, options, ["fileName"]);
  const { fileName = sourceName(file) } = options;
  const bytes = await sourceBytes(caller, file);
  if (isSafetensors(bytes)) {
    const modules = new Map<string, InspectedArray[]>();
    for (const { name, shape, dtype, read } of readSafetensors(bytes, fileName)) {
      if (isCounter(name)) continue;
      const dot = name.lastIndexOf(".");
      const arrays = modules.get(name.slice(0, Math.max(dot, 0))) ?? [];
      // Whole numbers have no place in a network here; their range is not looked at.
      const values = /^(B?F16|F32|F64)$/.test(dtype) ? read() : new Float32Array();
      arrays.push(describe(name.slice(dot + 1), shape, values));
      modules.set(name.slice(0, Math.max(dot, 0)), arrays);
    }
    return result(
      "safetensors",
      [...modules].map(([name, arrays]) => ({ name, arrays })),
    );
  }
  if (!isZip(bytes) && !isHdf5(bytes)) throw noWeights(bytes, fileName);
  return openKerasFile(bytes, { file: fileName, maximumBytes: MAXIMUM_UNPACKED }, (layers, kind) =>
    result(
      kind,
      layers
        .filter(({ tensors }) => tensors.length > 0)
        .map(({ name, kind: place, tensors }) => ({
          name: name ?? (place ? `${place.className}_${place.index}` : "unnamed"),
          arrays: tensors.map((tensor: SourceTensor, i) =>
            describe(tensor.name ?? String(i), tensor.shape, tensor.read()),
          ),
        })),
    ),
  );
}

function describe(name: string, shape: number[], values: Float32Array): InspectedArray {
  let [minimum, maximum, nonFiniteCount] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) nonFiniteCount++;
    else {
      if (value < minimum) minimum = value;
      if (value > maximum) maximum = value;
    }
  }
  if (minimum > maximum) minimum = maximum = Number.NaN;
  return { name, shape: [...shape], minimum, maximum, nonFiniteCount };
}

const sizeOf = ({ shape }: InspectedArray) => shape.reduce((a, b) => a * b, 1);
const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);

function result(kind: WeightsInspection["kind"], layers: WeightsInspection["layers"]): WeightsInspection {
  const sizes = layers.map(({ name, arrays }) => ({ name, size: sum(arrays.map(sizeOf)) }));
  return {
    kind,
    parameterCount: sum(sizes.map(({ size }) => size)),
    nonFiniteCount: sum(layers.flatMap(({ arrays }) => arrays.map((array) => array.nonFiniteCount))),
    backbones: backbonesOfSize(sizes, kind === "safetensors"),
    layers,
  };
}
