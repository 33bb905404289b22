import { AcrError, DataFormatError, InvalidArgumentError, ShapeError } from "@acr/core";
import { type Tensor, tensor } from "@tensorflow/tfjs-core";
import type { LayersModel, layers } from "@tensorflow/tfjs-layers";
import { isNormalization, toAffine } from "./keras-normalization.js";
import type { LayerWeights, SourceTensor } from "./layer-weights.js";
import { snakeCase } from "./snake-case.js";

type Layer = layers.Layer;

/** How a file's layers go into a model. */
export interface AssignOptions {
  caller: string;
  file: string;
  /** All of both sides; all of the model's backbone; or what fits. */
  strict: boolean | "backbone";
  /** Layers that the file cannot hold, whatever its kind. */
  isOptional?: (layer: string) => boolean;
  /** What of the file stands in no layer, and should. Default: the layers that no one of the model's took. */
  spare?: string[];
}

/** Which layers went where. */
export interface Assignment {
  loaded: { layer: string; by: "name" | "order" }[];
  missing: string[];
  unused: string[];
}

/** What a landmark model has in front of and behind its backbone. */
const isOutsideBackbone = (name: string) => /^(head_|preprocess$)/.test(name);
/** Names of layers within blocks: those here, Keras 2's, and PyTorch's. */
const isBlock = (name: string) => /^(block|expanded_conv|conv\d_block|stage\d|features\.|layer\d\.)/.test(name);

/**
 * Copies the arrays of a file into the layers of a model. All is read and checked before the first weight changes.
 *
 * @throws {DataFormatError | ShapeError | InvalidArgumentError} naming the first array that does not fit.
 */
export function assignWeights(model: LayersModel, fileLayers: LayerWeights[], options: AssignOptions): Assignment {
  const { caller, file, strict } = options;
  const { pairs, missing, unused } = match(model, fileLayers, file);
  if (pairs.length === 0) {
    throw new InvalidArgumentError(
      `${caller}: ${file} and the model have no layer in common; the file starts with ${sample(unused)}, the model with ${sample(missing)}.`,
    );
  }
  const isBackbone = strict === "backbone";
  const lacking = missing.filter((layer) => !options.isOptional?.(layer) && !(isBackbone && isOutsideBackbone(layer)));
  const spare = options.spare ?? unused;
  // Blocks too many come from a deeper network, whose first blocks would fit and mean nothing.
  const left = isBackbone ? spare.filter(isBlock) : spare;
  if (strict && lacking.length + left.length > 0) {
    // Where most layers are found, another width is the likelier fault than a layer too few: it is named first.
    if (pairs.length > lacking.length + left.length)
      for (const { layer, source } of pairs) checkShapes(layer, source, options);
    throw new InvalidArgumentError(
      `${caller}: ${file} does not fit the model: ${lacking.length} layers without weights (${sample(lacking)}), ` +
        `${left.length} unused in the file (${sample(left)}). Set strict: false to load the others.`,
    );
  }
  const values: { layer: Layer; tensors: Tensor[] }[] = [];
  try {
    for (const { layer, source } of pairs) values.push({ layer, tensors: valuesFor(layer, source, options) });
    for (const { layer, tensors } of values) layer.setWeights(tensors);
  } finally {
    for (const { tensors } of values) for (const value of tensors) value.dispose();
  }
  return { loaded: pairs.map(({ layer, by }) => ({ layer: layer.name, by })), missing, unused };
}

const sample = (names: string[]) =>
  names.length === 0 ? "none" : names.slice(0, 3).join(", ") + (names.length > 3 ? ", …" : "");
const nameOf = ({ name, kind }: LayerWeights) => name ?? (kind ? `${kind.className}_${kind.index}` : "unnamed");
/** Keras 2 wrote `Conv/BatchNorm` where Keras 3 writes `conv_bn`. */
const plainName = (name: string) => name.toLowerCase().replaceAll("/", "_").replaceAll("batchnorm", "bn");

interface Pair {
  layer: Layer;
  source: LayerWeights;
  by: "name" | "order";
}

function match(
  model: LayersModel,
  fileLayers: LayerWeights[],
  file: string,
): { pairs: Pair[]; missing: string[]; unused: string[] } {
  const weighted = model.layers.filter((layer) => layer.weights.length > 0);
  const sources = fileLayers.filter(({ tensors }) => tensors.length > 0);
  const byName = named(sources, (name) => name, file);
  const pairs: Pair[] = [];
  for (const layer of weighted) {
    const source = byName.get(layer.name);
    if (source) pairs.push({ layer, source, by: "name" });
  }
  if (pairs.length < weighted.length) {
    const taken = new Set<unknown>(pairs.flatMap(({ layer, source }) => [layer, source]));
    const byPlainName = named(
      sources.filter((source) => !taken.has(source)),
      plainName,
      file,
    );
    for (const layer of weighted) {
      const source = taken.has(layer) ? undefined : byPlainName.get(plainName(layer.name));
      if (source) pairs.push({ layer, source, by: "name" });
    }
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

function named(sources: LayerWeights[], key: (name: string) => string, file: string): Map<string, LayerWeights> {
  const result = new Map<string, LayerWeights>();
  for (const source of sources) {
    if (source.name === undefined) continue;
    const name = key(source.name);
    if (result.has(name)) {
      throw new DataFormatError(
        `holds two layers called ${name} (${result.get(name)!.tensors[0]!.path} and ${source.tensors[0]!.path}); expected one.`,
        { file },
      );
    }
    result.set(name, source);
  }
  return result;
}

function matchByOrder(weighted: Layer[], sources: LayerWeights[]): Pair[] {
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

/** The file's arrays for a layer's weights, in the layer's order, their shapes checked. */
function checkShapes(layer: Layer, source: LayerWeights, { caller, file }: AssignOptions): [string, SourceTensor][] {
  const given = isNormalization(layer, source) ? toAffine(source) : source.tensors;
  const wanted = layer.weights.map(({ originalName }) => shortName(originalName));
  const isNumbered = given.every(({ name }) => name === undefined);
  if (isNumbered && given.length !== wanted.length) {
    throw new ShapeError(
      `${caller}: ${file}: ${layer.name} needs ${wanted.length} arrays (${wanted.join(", ")}); got ${given.length}.`,
    );
  }
  const found = wanted.map((name, i): [string, SourceTensor] => {
    const array = isNumbered ? given[i] : given.find((other) => shortName(other.name ?? "") === name);
    if (!array) {
      throw new DataFormatError(
        `${layer.name}/${name} is absent; expected ${wanted.join(", ")}; the layer holds ${given.map((other) => other.name).join(", ")}.`,
        { file },
      );
    }
    const { shape } = layer.weights[i]!;
    const label = array.path.replace(/:\d+$/, "").endsWith(`${layer.name}/${name}`)
      ? `${layer.name}/${name}`
      : `${layer.name}/${name} (${array.path} in the file)`;
    if (!isSameShape(array.shape, shape))
      throw new ShapeError(`${caller}: ${file}: ${label} must be [${shape}]; got [${array.shape}].`);
    return [label, array];
  });
  const extra = given.filter((array) => !found.some(([, used]) => used === array));
  if (extra.length > 0) {
    throw new ShapeError(
      `${caller}: ${file}: ${layer.name} needs ${wanted.length} arrays (${wanted.join(", ")}); got ${extra[0]!.path} too.`,
    );
  }
  return found;
}

/** New tensors for all weights of a layer, in the layer's order. */
function valuesFor(layer: Layer, source: LayerWeights, options: AssignOptions): Tensor[] {
  const { file } = options;
  const tensors: Tensor[] = [];
  try {
    for (const [label, array] of checkShapes(layer, source, options)) {
      let numbers: Float32Array;
      try {
        numbers = array.read();
      } catch (cause) {
        if (AcrError.isInstance(cause)) throw cause;
        throw new DataFormatError(`${label} cannot be read: the file is damaged or truncated.`, { file, cause });
      }
      const odd = numbers.findIndex((value) => !Number.isFinite(value));
      if (odd >= 0)
        throw new DataFormatError(`${label} must hold finite values; got ${numbers[odd]} at index ${odd}.`, { file });
      if (label.includes("/moving_variance")) {
        const negative = numbers.findIndex((value) => value < 0);
        if (negative >= 0)
          throw new DataFormatError(`${label} must not be negative; got ${numbers[negative]} at index ${negative}.`, {
            file,
          });
      }
      tensors.push(tensor(numbers, array.shape));
    }
    return tensors;
  } catch (error) {
    for (const value of tensors) value.dispose();
    throw error;
  }
}
