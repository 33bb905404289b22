import { AcrError, checkOptions, DataFormatError, InvalidArgumentError, ShapeError } from "@acr/core";
import { type Tensor, tensor } from "@tensorflow/tfjs-core";
import type { LayersModel, layers } from "@tensorflow/tfjs-layers";
import type { KerasLayerWeights } from "./internal/keras-layer-weights.js";
import { isNormalization, toAffine } from "./internal/keras-normalization.js";
import { type KerasFileKind, openKerasFile } from "./internal/open-keras-file.js";
import { readBytes } from "./internal/read-bytes.js";
import { snakeCase } from "./internal/snake-case.js";

type Layer = layers.Layer;

/** Options of `loadKerasWeights`. */
export interface LoadKerasWeightsOptions {
  /**
   * Refuse unless every layer of the model gets its weights and every layer of the file is used. Set it to false to
   * start a model with a head from a file without one. Default true.
   */
  strict?: boolean;
  /** Name of the file in errors, where `file` is bytes. Default: the path, or `"weights"`. */
  fileName?: string;
}

/** What `loadKerasWeights` did. */
export interface KerasWeightsReport {
  /** What the file is. */
  kind: KerasFileKind;
  /** Layers of the model that got weights, and how their partner in the file was found. */
  loaded: { layer: string; by: "name" | "order" }[];
  /** Layers of the model that kept what they had. */
  missing: string[];
  /** Layers of the file that went nowhere. */
  unused: string[];
}

/**
 * Copies weights from a file that Keras wrote into a tfjs model.
 *
 * Reads Keras 3 `.weights.h5` and `.keras`, and the older whole-model and weights-only `.h5`, such as the published
 * files of Keras Applications. Layers are matched by name, and where no name matches, by order within their class.
 * All is checked before the first weight changes: after an error the model is as it was.
 *
 * @param model - a LayersModel whose layers are Keras', for example from `createBackbone` or `createLandmarkModel`.
 * @param file - the file's bytes, or in Node its path.
 * @returns what was used and what was left out.
 * @throws {DataFormatError} no Keras file, damaged, or with values that are not finite.
 * @throws {ShapeError} an array has another shape than the model's.
 * @throws {InvalidArgumentError} strict, and layers are missing or left over.
 * @example
 * const report = await loadKerasWeights(backbone, "mobilenet_v2.h5");
 * console.log(report.loaded.length, "layers");
 */
export async function loadKerasWeights(
  model: LayersModel,
  file: string | ArrayBuffer | Uint8Array,
  options: LoadKerasWeightsOptions = {},
): Promise<KerasWeightsReport> {
  const caller = "loadKerasWeights";
  checkOptions(caller, options, ["strict", "fileName"]);
  const { strict = true, fileName = typeof file === "string" ? file : "weights" } = options;
  const bytes = await readBytes(caller, file);
  return openKerasFile(bytes, fileName, (fileLayers, kind) => {
    const { pairs, missing, unused } = match(model, fileLayers);
    if (pairs.length === 0) {
      throw new InvalidArgumentError(
        `${caller}: ${fileName} and the model have no layer in common; the file starts with ${sample(unused)}, the model with ${sample(missing)}.`,
      );
    }
    if (strict && missing.length + unused.length > 0) {
      throw new InvalidArgumentError(
        `${caller}: ${fileName} does not fit the model: ${missing.length} layers without weights (${sample(missing)}), ` +
          `${unused.length} unused in the file (${sample(unused)}). Set strict: false to load the others.`,
      );
    }
    const values: { layer: Layer; tensors: Tensor[] }[] = [];
    try {
      for (const { layer, source } of pairs) values.push({ layer, tensors: valuesFor(layer, source, fileName) });
      for (const { layer, tensors } of values) layer.setWeights(tensors);
    } finally {
      for (const { tensors } of values) for (const value of tensors) value.dispose();
    }
    return { kind, loaded: pairs.map(({ layer, by }) => ({ layer: layer.name, by })), missing, unused };
  });
}

const sample = (names: string[]) =>
  names.length === 0 ? "none" : names.slice(0, 3).join(", ") + (names.length > 3 ? ", …" : "");
const nameOf = ({ name, kind }: KerasLayerWeights) => name ?? (kind ? `${kind.className}_${kind.index}` : "unnamed");

interface Pair {
  layer: Layer;
  source: KerasLayerWeights;
  by: "name" | "order";
}

function match(
  model: LayersModel,
  fileLayers: KerasLayerWeights[],
): { pairs: Pair[]; missing: string[]; unused: string[] } {
  const weighted = model.layers.filter((layer) => layer.weights.length > 0);
  const sources = fileLayers.filter(({ tensors }) => tensors.length > 0);
  const byName = new Map(sources.filter(({ name }) => name !== undefined).map((source) => [source.name!, source]));
  const pairs: Pair[] = [];
  for (const layer of weighted) {
    const source = byName.get(layer.name);
    if (source) pairs.push({ layer, source, by: "name" });
  }
  // Names that Keras made up (conv2d_17) differ from run to run: where none fits, the order of building decides.
  if (pairs.length === 0) pairs.push(...matchByOrder(weighted, sources));
  const matched = new Set<unknown>(pairs.flatMap(({ layer, source }) => [layer, source]));
  return {
    pairs,
    missing: weighted.filter((layer) => !matched.has(layer)).map(({ name }) => name),
    unused: sources.filter((source) => !matched.has(source)).map(nameOf),
  };
}

function matchByOrder(weighted: Layer[], sources: KerasLayerWeights[]): Pair[] {
  if (weighted.length !== sources.length) return [];
  const isNumbered = sources.every(({ kind }) => kind);
  if (!isNumbered) return weighted.map((layer, i) => ({ layer, source: sources[i]!, by: "order" }));
  const classOf = (layer: Layer) => snakeCase(layer.getClassName());
  const pairs: Pair[] = [];
  for (const source of sources) {
    const kin = sources.filter(({ kind }) => kind!.className === source.kind!.className);
    const layer = weighted.filter((candidate) => classOf(candidate) === source.kind!.className)[kin.indexOf(source)];
    if (layer) pairs.push({ layer, source, by: "order" });
  }
  return pairs;
}

/** Keras 3 calls the depthwise kernel `kernel`; Keras 2 and tfjs `depthwise_kernel`. */
const shortName = (name: string) => name.split("/").pop()!.replace(/_\d+$/, "").replace("depthwise_kernel", "kernel");
const isSameShape = (a: readonly unknown[], b: readonly unknown[]) =>
  a.length === b.length && a.every((side, i) => side === b[i]);

/** New tensors for all weights of a layer, in the layer's order. */
function valuesFor(layer: Layer, source: KerasLayerWeights, file: string): Tensor[] {
  const tensors: Tensor[] = [];
  const given = isNormalization(layer, source) ? toAffine(source) : source.tensors;
  try {
    if (given.length !== layer.weights.length) {
      throw new ShapeError(
        `loadKerasWeights: ${file}: ${layer.name} needs ${layer.weights.length} arrays; got ${given.length}.`,
      );
    }
    for (const [i, weight] of layer.weights.entries()) {
      const wanted = shortName(weight.originalName);
      const found = given.every(({ name }) => name === undefined)
        ? given[i]
        : given.find(({ name }) => shortName(name ?? "") === wanted);
      const label = `${layer.name}/${wanted}`;
      if (!found) {
        throw new DataFormatError(`${label} is absent; the layer holds ${given.map(({ name }) => name).join(", ")}.`, {
          file,
        });
      }
      if (!isSameShape(found.shape, weight.shape)) {
        throw new ShapeError(`loadKerasWeights: ${file}: ${label} must be [${weight.shape}]; got [${found.shape}].`);
      }
      const numbers = found.read();
      if (!numbers.every(Number.isFinite))
        throw new DataFormatError(`${label} holds values that are not finite.`, { file });
      tensors.push(tensor(numbers, found.shape));
    }
    return tensors;
  } catch (error) {
    for (const value of tensors) value.dispose();
    throw AcrError.isInstance(error)
      ? error
      : new DataFormatError(`${layer.name} cannot be read.`, { file, cause: error });
  }
}
