import { checkOptions, InvalidArgumentError } from "@acr/core";
import { io } from "@tensorflow/tfjs-core";
import type { LayersModel, layers } from "@tensorflow/tfjs-layers";
import { checkOneOf } from "./internal/check.js";
import { joinBytes } from "./internal/join-bytes.js";
import { toHalves } from "./internal/to-halves.js";

/** Options of `exportTfjs`. */
export interface ExportTfjsOptions {
  /**
   * How weights are stored. `"float16"`: all in half the bytes; `"uint8"`: kernels of convolutions and dense layers in a quarter, in 256
   * steps between each one's least and greatest value, the rest as float16. Fixed matrices of heads stay float32. Default `"none"`.
   */
  quantize?: "none" | "float16" | "uint8";
}

/** The two files of a tfjs model, by name. */
export interface TfjsFiles {
  "model.json": Uint8Array;
  "weights.bin": Uint8Array;
}

/** Below this a kernel is not worth its loss. */
const SMALLEST_QUANTIZED = 1024;
const STEPS = 255;
const LARGEST_HALF = 65_504;

/**
 * A model in the files that `tf.loadLayersModel` reads, its weights smaller if wished: tfjs makes them float32 again when it loads
 * them, so that the network runs as fast as before and only the download shrinks.
 *
 * @param model - a LayersModel of standard layers; it is not changed.
 * @returns the bytes of both files.
 * @throws {InvalidArgumentError} model is no LayersModel, an unknown option, or a weight that is not finite.
 * @example
 * const files = await exportTfjs(model, { quantize: "float16" });
 * for (const [name, bytes] of Object.entries(files)) writeFileSync(name, bytes);
 */
export async function exportTfjs(model: LayersModel, options: ExportTfjsOptions = {}): Promise<TfjsFiles> {
  const caller = "exportTfjs";
  checkOptions(caller, options, ["quantize"]);
  if (!Array.isArray(model?.layers)) throw new InvalidArgumentError(`${caller}: model must be a tfjs LayersModel.`);
  const { quantize = "none" } = options;
  checkOneOf(caller, "quantize", quantize, ["none", "float16", "uint8"]);
  const files: { value?: TfjsFiles } = {};
  const layerOf = new Map(
    model.layers.flatMap((layer) => layer.weights.map((weight) => [weight.originalName, layer] as const)),
  );
  await model.save(
    io.withSaveHandler(async ({ weightData, weightSpecs = [], ...artifacts }) => {
      const bytes = new Uint8Array(io.concatenateArrayBuffers([weightData as ArrayBuffer].flat()));
      const parts: Uint8Array[] = [];
      let at = 0;
      const specs = weightSpecs.map((spec) => {
        const count = spec.shape.reduce((a, b) => a * b, 1);
        const values = new Float32Array(bytes.slice(at, at + 4 * count).buffer);
        at += 4 * count;
        const odd = values.findIndex((value) => !Number.isFinite(value));
        if (odd >= 0)
          throw new InvalidArgumentError(`${caller}: weights must be finite; got ${values[odd]} in ${spec.name}.`);
        const stored = store(values, storageOf(layerOf.get(spec.name), spec, quantize));
        parts.push(stored.bytes);
        return { ...spec, ...(stored.quantization && { quantization: stored.quantization }) };
      });
      const { modelTopology, format, generatedBy, convertedBy } = artifacts;
      const weightsManifest = [{ paths: ["weights.bin"], weights: specs }];
      const text = JSON.stringify({ format, generatedBy, convertedBy, modelTopology, weightsManifest });
      files.value = { "model.json": new TextEncoder().encode(text), "weights.bin": joinBytes(parts) };
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: "JSON" } };
    }),
  );
  return files.value!;
}

type Storage = "none" | "float16" | "uint8";

function storageOf(layer: layers.Layer | undefined, { shape }: { shape: number[] }, wished: Storage): Storage {
  if (wished === "none" || !layer) return "none";
  // Places of cells and pixels' scales: few numbers, on which every coordinate hangs.
  const isConstant = /^(preprocess|normalization)$/.test(layer.name) || (/^head_/.test(layer.name) && !layer.trainable);
  if (isConstant) return "none";
  const isKernel = /^(Conv2D|Dense)$/.test(layer.getClassName()) && shape.length >= 2;
  const isLarge = shape.reduce((a, b) => a * b, 1) >= SMALLEST_QUANTIZED;
  return wished === "uint8" && isKernel && isLarge ? "uint8" : "float16";
}

function store(values: Float32Array, storage: Storage): { bytes: Uint8Array; quantization?: object } {
  if (storage === "uint8") {
    const minimum = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    const maximum = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    // A constant kernel has no steps.
    const scale = maximum > minimum ? (maximum - minimum) / STEPS : 1;
    const bytes = Uint8Array.from(values, (value) => Math.round((value - minimum) / scale));
    return { bytes, quantization: { dtype: "uint8", scale, min: minimum } };
  }
  if (storage === "float16" && values.every((value) => Math.abs(value) <= LARGEST_HALF)) {
    return { bytes: new Uint8Array(toHalves(values).buffer), quantization: { dtype: "float16" } };
  }
  return { bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}
