import { BackendError, checkOptions, InvalidArgumentError } from "@acr/core";
import { getBackend, type Tensor } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { checkBoolean, checkOneOf } from "./internal/check.js";
import { OnnxConverter } from "./internal/onnx/onnx-converter.js";

/** Options of `exportOnnx`. */
export interface ExportOnnxOptions {
  /** Layout of picture inputs: `"nhwc"` [B, H, W, C] as in tfjs, or `"nchw"` [B, C, H, W]. Default `"nhwc"`. */
  layout?: "nhwc" | "nchw";
  /** Multiply BatchNorm into the convolution in front of it: faster, no longer to be trained. Default false. */
  foldBatchNorm?: boolean;
}

/**
 * Writes a model as ONNX, opset 17, float32, with a free batch size. Inputs and outputs keep their layers' names;
 * inside, maps are [B, C, H, W], as ONNX wants.
 *
 * @param model - a functional LayersModel of standard layers, each used once; it is not changed.
 * @returns the bytes of the `.onnx` file.
 * @throws {BackendError} the weights lie on `webgpu`, which gives nothing at once: `await fetchWeights(model)` first.
 * @throws {InvalidArgumentError} a layer, activation or layout that is not known here, an unknown option, or a weight that is not finite.
 * @example
 * writeFileSync("landmarks.onnx", exportOnnx(model, { layout: "nchw", foldBatchNorm: true }));
 */
export function exportOnnx(model: LayersModel, options: ExportOnnxOptions = {}): Uint8Array {
  const caller = "exportOnnx";
  checkOptions(caller, options, ["layout", "foldBatchNorm"]);
  if (!Array.isArray(model?.layers)) throw new InvalidArgumentError(`${caller}: model must be a tfjs LayersModel.`);
  const { layout = "nhwc", foldBatchNorm = false } = options;
  checkOneOf(caller, "layout", layout, ["nhwc", "nchw"]);
  checkBoolean(caller, "foldBatchNorm", foldBatchNorm);
  for (const layer of model.layers) {
    for (const [i, value] of layer.getWeights().entries()) {
      if (readAtOnce(caller, value).every(Number.isFinite)) continue;
      throw new InvalidArgumentError(
        `${caller}: weights must be finite; got others in ${layer.weights[i]!.originalName} of ${layer.name}.`,
      );
    }
  }
  return new OnnxConverter(model, { caller, layout, foldBatchNorm }).convert();
}

function readAtOnce(caller: string, value: Tensor) {
  try {
    return value.dataSync();
  } catch (cause) {
    throw new BackendError(
      `${caller}: the weights lie on ${getBackend()}, which gives nothing at once. Call await fetchWeights(model) first.`,
      { cause },
    );
  }
}
