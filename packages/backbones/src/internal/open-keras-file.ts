import { DataFormatError } from "@acr/core";
import { unzipSync } from "fflate";
import type { Dataset, File, Group } from "h5wasm";
import type { KerasLayerWeights, KerasTensor } from "./keras-layer-weights.js";

/** Kinds of file that Keras writes. */
export type KerasFileKind = "keras" | "keras3-weights" | "legacy-model" | "legacy-weights";

/** Weights may be large, but a zip entry beyond this is an attack or a mistake. */
const MAXIMUM_UNZIPPED_BYTES = 2 ** 30;
const WEIGHTS_ENTRY = "model.weights.h5";

let fileCounter = 0;

/**
 * Opens any kind of Keras file in memory, hands its layers to `use`, and closes it again.
 *
 * @throws {DataFormatError} bytes are no Keras weights, or damaged.
 */
export async function openKerasFile<T>(
  bytes: Uint8Array,
  file: string,
  use: (layers: KerasLayerWeights[], kind: KerasFileKind) => T,
): Promise<T> {
  const isZip = bytes[0] === 0x50 && bytes[1] === 0x4b;
  const data = isZip ? unzipWeights(bytes, file) : bytes;
  if (!(data[0] === 0x89 && data[1] === 0x48 && data[2] === 0x44 && data[3] === 0x46)) {
    throw new DataFormatError("is no Keras file; expected HDF5 (.h5, .weights.h5) or a .keras zip.", {
      file,
    });
  }
  const h5wasm = await import("h5wasm");
  const { FS, activate_throwing_error_handler } = await h5wasm.ready;
  // Without this HDF5 prints its errors and goes on.
  activate_throwing_error_handler();
  const path = `/acr-${fileCounter++}.h5`;
  FS.writeFile(path, data);
  let handle: File | undefined;
  try {
    handle = new h5wasm.File(path, "r");
    const { layers, kind } = readLayers(handle, file);
    return use(layers, isZip ? "keras" : kind);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && typeof cause.code === "string" && cause.code.startsWith("ACR_"))
      throw cause;
    throw new DataFormatError("is damaged or truncated: HDF5 cannot read it.", { file, cause });
  } finally {
    handle?.close();
    FS.unlink(path);
  }
}

function unzipWeights(bytes: Uint8Array, file: string): Uint8Array {
  let entries: Record<string, Uint8Array>;
  try {
    entries = unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        if (name.startsWith("/") || name.split(/[/\\]/).includes("..")) {
          throw new DataFormatError(`holds an entry with a forbidden path ${JSON.stringify(name)}.`, {
            file,
          });
        }
        if (name !== WEIGHTS_ENTRY) return false;
        if (originalSize > MAXIMUM_UNZIPPED_BYTES) {
          throw new DataFormatError(
            `${name} unpacks to ${originalSize} bytes; at most ${MAXIMUM_UNZIPPED_BYTES} are accepted.`,
            { file },
          );
        }
        return true;
      },
    });
  } catch (cause) {
    if (DataFormatError.isInstance(cause)) throw cause;
    throw new DataFormatError("is a damaged or truncated zip.", { file, cause });
  }
  const weights = entries[WEIGHTS_ENTRY];
  if (!weights)
    throw new DataFormatError(`is a zip without ${WEIGHTS_ENTRY}; expected a model saved as .keras.`, {
      file,
    });
  return weights;
}

function readLayers(handle: File, file: string): { layers: KerasLayerWeights[]; kind: KerasFileKind } {
  const keys = handle.keys();
  if (keys.includes("model_weights")) {
    return { layers: legacyLayers(handle.get("model_weights") as Group), kind: "legacy-model" };
  }
  if (Object.keys(handle.attrs).some((name) => /^layer_names\d*$/.test(name)))
    return { layers: legacyLayers(handle), kind: "legacy-weights" };
  if (keys.includes("layers")) return { layers: keras3Layers(handle.get("layers") as Group), kind: "keras3-weights" };
  throw new DataFormatError(
    `holds no Keras weights; expected the attribute layer_names, or a group model_weights or layers; got groups ${keys.slice(0, 5).join(", ") || "none"}.`,
    { file },
  );
}

/** An attribute that holds names; Keras 2 splits long ones over `name0`, `name1`, … */
function namesOf(group: Group, attribute: string): string[] {
  const { attrs } = group;
  const parts = attrs[attribute] ? [attrs[attribute]] : [];
  for (let i = 0; attrs[`${attribute}${i}`]; i++) parts.push(attrs[`${attribute}${i}`]!);
  return parts.flatMap(({ value }) => (Array.isArray(value) ? value.map(String) : []));
}

/** Keras 2 and older: an attribute names the layers, another the arrays of each. */
function legacyLayers(root: Group): KerasLayerWeights[] {
  return namesOf(root, "layer_names").flatMap((layerName) => {
    const group = root.get(layerName) as Group;
    const byOwner = new Map<string, KerasTensor[]>();
    for (const path of namesOf(group, "weight_names")) {
      const parts = path.split("/");
      const tensor = tensorOf(group.get(path) as Dataset, parts[parts.length - 1]!.replace(/:\d+$/, ""));
      const owner = parts[parts.length - 2] ?? layerName;
      byOwner.set(owner, [...(byOwner.get(owner) ?? []), tensor]);
    }
    // A nested model is one group with the arrays of many layers; a layer's own group may name the owner otherwise.
    if (byOwner.size === 1) return [{ name: layerName, tensors: [...byOwner.values()][0]! }];
    return [...byOwner].map(([name, tensors]) => ({ name, tensors }));
  });
}

/** Keras 3: groups `<class>_<i>`, numbered per class in the model's order; nested models hold groups again. */
function keras3Layers(root: Group): KerasLayerWeights[] {
  const numbered = root.keys().map((key) => {
    const [, className, index] = /^(.*?)(?:_(\d+))?$/.exec(key)!;
    return { key, className: className!, index: Number(index ?? 0) };
  });
  numbered.sort((a, b) => a.className.localeCompare(b.className) || a.index - b.index);
  return numbered.flatMap(({ key, className, index }) => {
    const group = root.get(key) as Group;
    const keys = group.keys();
    if (keys.includes("layers")) return keras3Layers(group.get("layers") as Group);
    if (!keys.includes("vars")) return [];
    const vars = group.get("vars") as Group;
    const name = vars.attrs.name?.value;
    const tensors = vars
      .keys()
      .map(Number)
      .sort((a, b) => a - b)
      .map((i) => tensorOf(vars.get(String(i)) as Dataset, undefined));
    return tensors.length > 0
      ? [{ name: typeof name === "string" ? name : undefined, kind: { className, index }, tensors }]
      : [];
  });
}

function tensorOf(dataset: Dataset, name: string | undefined): KerasTensor {
  const shape = dataset.shape ?? [];
  return {
    name,
    shape,
    read: () => {
      const { value } = dataset;
      if (value instanceof Float32Array) return value;
      if (typeof value === "object" && value !== null && "length" in value)
        return Float32Array.from(value as ArrayLike<number | bigint>, Number);
      return Float32Array.of(Number(value));
    },
  };
}
