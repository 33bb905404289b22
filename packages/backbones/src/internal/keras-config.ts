import { InvalidArgumentError } from "@acr/core";
import type { LayersModel, layers, SymbolicTensor } from "@tensorflow/tfjs-layers";
import { isNormalizationLayer, kerasClassOf } from "./keras-saved-layers.js";

type Layer = layers.Layer;
type Json = Record<string, unknown>;

interface GraphNode {
  inputTensors: SymbolicTensor[];
}

/** Activations whose definitions agree, by Keras' names. */
const ACTIVATIONS: Record<string, string> = {
  linear: "linear",
  relu: "relu",
  relu6: "relu6",
  swish: "silu",
  sigmoid: "sigmoid",
  tanh: "tanh",
  softmax: "softmax",
};

/** The config's entries that Keras needs, by class: tfjs' names to Keras'. */
const FIELDS: Record<string, Record<string, string>> = {
  Conv2D: {
    filters: "filters",
    kernelSize: "kernel_size",
    strides: "strides",
    padding: "padding",
    dilationRate: "dilation_rate",
    activation: "activation",
    useBias: "use_bias",
  },
  // Without its dilation rate, which tfjs does not use and Keras would.
  DepthwiseConv2D: {
    kernelSize: "kernel_size",
    depthMultiplier: "depth_multiplier",
    strides: "strides",
    padding: "padding",
    activation: "activation",
    useBias: "use_bias",
  },
  Dense: { units: "units", activation: "activation", useBias: "use_bias" },
  BatchNormalization: { axis: "axis", momentum: "momentum", epsilon: "epsilon", center: "center", scale: "scale" },
  ReLU: { maxValue: "max_value" },
  PReLU: { sharedAxes: "shared_axes" },
  Activation: { activation: "activation" },
  Softmax: { axis: "axis" },
  Add: {},
  Multiply: {},
  Concatenate: { axis: "axis" },
  ZeroPadding2D: { padding: "padding" },
  Cropping2D: { cropping: "cropping" },
  UpSampling2D: { size: "size", interpolation: "interpolation" },
  MaxPooling2D: { poolSize: "pool_size", strides: "strides", padding: "padding" },
  AveragePooling2D: { poolSize: "pool_size", strides: "strides", padding: "padding" },
  GlobalAveragePooling2D: {},
  GlobalMaxPooling2D: {},
  Flatten: {},
  Reshape: { targetShape: "target_shape" },
  Permute: { dims: "dims" },
  Rescaling: { scale: "scale", offset: "offset" },
  Dropout: { rate: "rate", noiseShape: "noise_shape" },
};
/** Keras gets several inputs as one list. */
const TAKES_LIST = new Set(["Add", "Multiply", "Concatenate"]);

/**
 * The `config.json` of a `.keras` file: the model's topology in Keras 3's terms.
 *
 * @throws {InvalidArgumentError} a class of layer, an activation or a data format without a counterpart.
 */
export function kerasConfig(caller: string, model: LayersModel): Json {
  const historyOf = (tensor: SymbolicTensor) => [tensor.sourceLayer.name, 0, 0];
  const layerConfigs = model.layers.map((layer) => {
    const nodes = layer.inboundNodes as unknown as GraphNode[];
    if (nodes.length !== 1) {
      throw new InvalidArgumentError(`${caller}: layer ${layer.name} is used ${nodes.length} times; expected once.`);
    }
    const className = kerasClassOf(layer);
    const inputs = nodes[0]!.inputTensors;
    const entry = (tensor: SymbolicTensor) => ({
      class_name: "__keras_tensor__",
      config: { shape: tensor.shape, dtype: "float32", keras_history: historyOf(tensor) },
    });
    const tensors = inputs.map(entry);
    const isInput = className === "InputLayer";
    return {
      module: "keras.layers",
      class_name: className,
      config: isInput
        ? { batch_shape: layer.batchInputShape, dtype: "float32", sparse: false, name: layer.name }
        : { name: layer.name, trainable: layer.trainable, dtype: "float32", ...fieldsOf(caller, layer, className) },
      registered_name: null,
      ...(className === "Normalization" && { build_config: { input_shape: inputs[0]!.shape } }),
      name: layer.name,
      inbound_nodes: isInput ? [] : [{ args: TAKES_LIST.has(className) ? [tensors] : tensors, kwargs: {} }],
    };
  });
  const ends = (tensors: SymbolicTensor[]) => (tensors.length === 1 ? historyOf(tensors[0]!) : tensors.map(historyOf));
  return {
    module: "keras.src.models.functional",
    class_name: "Functional",
    config: {
      name: model.name,
      trainable: true,
      layers: layerConfigs,
      input_layers: ends(model.inputs),
      output_layers: ends(model.outputs),
    },
    registered_name: "Functional",
  };
}

function fieldsOf(caller: string, layer: Layer, className: string): Json {
  if (isNormalizationLayer(layer)) return { axis: [-1], invert: false, mean: null, variance: null };
  const fields = FIELDS[className];
  if (!fields) {
    throw new InvalidArgumentError(
      `${caller}: layer ${layer.name} is a ${className}; expected one of ${Object.keys(FIELDS).join(", ")}.`,
    );
  }
  const config = layer.getConfig() as Json;
  if (config.dataFormat !== undefined && config.dataFormat !== "channelsLast") {
    throw new InvalidArgumentError(`${caller}: layer ${layer.name} must be channelsLast; got ${config.dataFormat}.`);
  }
  return Object.fromEntries(
    Object.entries(fields).map(([ours, theirs]) => {
      const value = config[ours];
      if (ours !== "activation") return [theirs, value ?? null];
      const activation = ACTIVATIONS[String(value)];
      if (!activation) {
        throw new InvalidArgumentError(
          `${caller}: layer ${layer.name} has the activation ${String(value)}; expected one of ${Object.keys(ACTIVATIONS).join(", ")}.`,
        );
      }
      return [theirs, activation];
    }),
  );
}
