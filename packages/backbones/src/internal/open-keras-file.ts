import { AcrError, DataFormatError } from "@acr/core";
import type { Dataset, File, Group } from "h5wasm";
import type { LayerWeights, SourceTensor } from "./layer-weights.js";
import { zipEntry } from "./zip-entry.js";

/** Kinds of file that Keras writes. */
export type KerasFileKind = "keras" | "keras3-weights" | "legacy-model" | "legacy-weights";

const WEIGHTS_ENTRY = "model.weights.h5";
/** The classes of HDF5's types that hold numbers. */
const [INTEGER, FLOAT] = [0, 1];
/** Nested models hold groups within groups; no real one goes this deep. */
const MAXIMUM_DEPTH = 32;

let fileCounter = 0;

/** Whether bytes start as a zip or HDF5 file does. */
export const isZip = (bytes: Uint8Array) => bytes[0] === 0x50 && bytes[1] === 0x4b;
export const isHdf5 = (bytes: Uint8Array) =>
  bytes[0] === 0x89 && bytes[1] === 0x48 && bytes[2] === 0x44 && bytes[3] === 0x46;

/**
 * Opens any kind of Keras file in memory, hands its layers to `use`, and closes it again.
 *
 * @param options.maximumBytes - what the weights of a zip may unpack to.
 * @throws {DataFormatError} bytes are no Keras weights, or damaged.
 */
export async function openKerasFile<T>(
  bytes: Uint8Array,
  { file, maximumBytes }: { file: string; maximumBytes: number },
  use: (layers: LayerWeights[], kind: KerasFileKind) => T,
): Promise<T> {
  const packed = isZip(bytes);
  const data = packed ? zipEntry(bytes, WEIGHTS_ENTRY, { file, maximumBytes }) : bytes;
  if (!isHdf5(data)) {
    throw new DataFormatError(
      `is no Keras file; expected HDF5 (.h5, .weights.h5) or a .keras zip; got ${startOf(data)}.`,
      { file },
    );
  }
  const h5wasm = await import("h5wasm");
  const { FS, activate_throwing_error_handler } = await h5wasm.ready;
  // Without this HDF5 prints its errors and goes on.
  activate_throwing_error_handler();
  const path = `/acr-${fileCounter++}.h5`;
  // Read in place: a copy of the file would cost its size again.
  const stream = FS.open(path, "w+");
  FS.write(stream, data, 0, data.length, 0, true);
  FS.close(stream);
  let handle: File | undefined;
  try {
    handle = new h5wasm.File(path, "r");
    const { layers, kind } = readLayers(handle, file);
    return use(layers, packed ? "keras" : kind);
  } catch (cause) {
    if (AcrError.isInstance(cause)) throw cause;
    throw new DataFormatError("is damaged or truncated: HDF5 cannot read it.", { file, cause });
  } finally {
    handle?.close();
    FS.unlink(path);
  }
}

/** Neither Keras nor PyTorch. */
export const noWeights = (bytes: Uint8Array, file: string) =>
  new DataFormatError(
    `is no file of weights; expected HDF5 (.h5, .weights.h5), a .keras zip or safetensors; got ${startOf(bytes)}.`,
    { file },
  );

const startOf = (bytes: Uint8Array) =>
  bytes.length === 0
    ? "no bytes"
    : `bytes that start with ${Array.from(bytes.subarray(0, 4), (value) => value.toString(16).padStart(2, "0")).join(" ")}`;

function readLayers(handle: File, file: string): { layers: LayerWeights[]; kind: KerasFileKind } {
  const keys = handle.keys();
  const hasModel = keys.includes("model_weights");
  const isLegacy = Object.keys(handle.attrs).some((name) => /^layer_names\d*$/.test(name));
  const isKeras3 = keys.includes("layers") && !(isLegacy && namesOf(handle, "layer_names").includes("layers"));
  if (isKeras3 && (hasModel || isLegacy)) {
    throw new DataFormatError(
      "mixes the layouts of Keras 3 (group layers) and of older ones (layer_names or model_weights); expected one of them.",
      { file },
    );
  }
  if (hasModel) return { layers: legacyLayers(groupAt(handle, "model_weights", file), file), kind: "legacy-model" };
  if (isLegacy) return { layers: legacyLayers(handle, file), kind: "legacy-weights" };
  if (isKeras3) return { layers: keras3Layers(groupAt(handle, "layers", file), file), kind: "keras3-weights" };
  throw new DataFormatError(
    `holds no Keras weights; expected the attribute layer_names, or a group model_weights or layers; got groups ${keys.slice(0, 5).join(", ") || "none"}.`,
    { file },
  );
}

/** What a path within a group leads to, or an error that names it. */
function at(group: Group, path: string, expected: "Group" | "Dataset", file: string): Group | Dataset {
  const where = `${group.path === "/" ? "" : group.path}/${path}`;
  let found: ReturnType<Group["get"]>;
  try {
    found = group.get(path);
  } catch (cause) {
    throw new DataFormatError(`${where} cannot be read: the file is damaged or truncated.`, { file, cause });
  }
  if (found === null)
    throw new DataFormatError(`${where} is absent; expected a ${expected.toLowerCase()} there.`, { file });
  if (!("type" in found) || found.type !== expected)
    throw new DataFormatError(`${where} is no ${expected.toLowerCase()}.`, { file });
  return found as Group | Dataset;
}
const groupAt = (group: Group, path: string, file: string) => at(group, path, "Group", file) as Group;

/** An attribute that holds names; Keras 2 splits long ones over `name0`, `name1`, … */
function namesOf(group: Group, attribute: string): string[] {
  const { attrs } = group;
  const parts = attrs[attribute] ? [attrs[attribute]] : [];
  for (let i = 0; attrs[`${attribute}${i}`]; i++) parts.push(attrs[`${attribute}${i}`]!);
  return parts.flatMap(({ value }) => (Array.isArray(value) ? value.map(String) : []));
}

/** Keras 2 and older: an attribute names the layers, another the arrays of each. */
function legacyLayers(root: Group, file: string): LayerWeights[] {
  return namesOf(root, "layer_names").flatMap((layerName) => {
    const group = groupAt(root, layerName, file);
    const byOwner = new Map<string, SourceTensor[]>();
    for (const path of namesOf(group, "weight_names")) {
      const parts = path.split("/");
      const tensor = tensorAt(group, path, parts[parts.length - 1]!.replace(/:\d+$/, ""), file);
      const owner = parts[parts.length - 2] ?? layerName;
      byOwner.set(owner, [...(byOwner.get(owner) ?? []), tensor]);
    }
    // A nested model is one group with the arrays of many layers; a layer's own group may name the owner otherwise.
    if (byOwner.size === 1) return [{ name: layerName, tensors: [...byOwner.values()][0]! }];
    return [...byOwner].map(([name, tensors]) => ({ name, tensors }));
  });
}

/** Keras 3: groups `<class>_<i>`, numbered per class in the model's order; nested models hold groups again. */
function keras3Layers(root: Group, file: string, depth = 0): LayerWeights[] {
  if (depth > MAXIMUM_DEPTH)
    throw new DataFormatError(`${root.path} lies in more than ${MAXIMUM_DEPTH} groups.`, { file });
  const numbered = root.keys().map((key) => {
    const [, className, index] = /^(.*?)(?:_(\d+))?$/.exec(key)!;
    return { key, className: className!, index: Number(index ?? 0) };
  });
  numbered.sort((a, b) => a.className.localeCompare(b.className) || a.index - b.index);
  return numbered.flatMap(({ key, className, index }) => {
    const group = groupAt(root, key, file);
    const keys = group.keys();
    if (keys.includes("layers")) return keras3Layers(groupAt(group, "layers", file), file, depth + 1);
    if (!keys.includes("vars")) return [];
    const vars = groupAt(group, "vars", file);
    const name = vars.attrs.name?.value;
    const numbers = vars
      .keys()
      .map(Number)
      .sort((a, b) => a - b);
    const tensors = numbers.map((number, i) => {
      if (number !== i)
        throw new DataFormatError(`${vars.path}/${i} is absent; got ${vars.keys().join(", ")}.`, { file });
      return tensorAt(vars, String(i), undefined, file);
    });
    return tensors.length > 0
      ? [{ name: typeof name === "string" ? name : undefined, kind: { className, index }, tensors }]
      : [];
  });
}

function tensorAt(group: Group, path: string, name: string | undefined, file: string): SourceTensor {
  const dataset = at(group, path, "Dataset", file) as Dataset;
  const shape = dataset.shape ?? [];
  return {
    name,
    path: dataset.path,
    shape,
    read: () => {
      const { type } = dataset.metadata;
      if (type !== FLOAT && type !== INTEGER)
        throw new DataFormatError(`${dataset.path} holds no numbers; its type is ${dataset.dtype}.`, { file });
      const { value } = dataset;
      if (value instanceof Float32Array) return value;
      if (typeof value === "object" && value !== null && "length" in value)
        return Float32Array.from(value as ArrayLike<number | bigint>, Number);
      return Float32Array.of(Number(value));
    },
  };
}
