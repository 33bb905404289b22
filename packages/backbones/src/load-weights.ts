import type { LayersModel } from "@tensorflow/tfjs-layers";
import { loadFrom } from "./internal/load-from.js";
import type { WeightsSource } from "./internal/source-bytes.js";
import type { LoadWeightsOptions, WeightsReport } from "./weights-report.js";

/**
 * Copies weights from a file of Keras or PyTorch into a tfjs model.
 *
 * Keras: as `loadKerasWeights`. PyTorch: safetensors files of timm or torchvision for MobileNetV2 and V3, EfficientNet and its
 * lite variants, and ResNet; layers are matched by name, layouts turned. The file says nothing of two choices that differ between
 * the libraries and are the caller's: `padding` and `batchNormEpsilon` of `createBackbone`.
 *
 * All is checked before the first weight changes: after an error the model is as it was.
 *
 * @param model - a LayersModel of this package, or for Keras files any with Keras' layers.
 * @param file - the file's bytes, its URL, or in Node its path.
 * @returns what was used and what was left out.
 * @throws {DataFormatError} no such file, damaged, or with values that are not finite.
 * @throws {ShapeError} an array has another shape than the model's.
 * @throws {InvalidArgumentError} strict, and layers are missing or left over; or an architecture without a counterpart.
 * @example
 * const backbone = createBackbone("efficientnet_b0", { padding: "symmetric", batchNormEpsilon: 1e-5 });
 * await loadWeights(backbone, "efficientnet_b0.safetensors"); // of timm
 */
export function loadWeights(
  model: LayersModel,
  file: WeightsSource,
  options: LoadWeightsOptions = {},
): Promise<WeightsReport> {
  return loadFrom("loadWeights", model, file, options);
}
