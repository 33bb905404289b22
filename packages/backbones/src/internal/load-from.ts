import { checkOptions, InvalidArgumentError } from "@acr/core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { LoadWeightsOptions, WeightsReport } from "../weights-report.js";
import { assignWeights } from "./assign-weights.js";
import { isHdf5, isZip, noWeights, openKerasFile } from "./open-keras-file.js";
import { isSafetensors, readSafetensors } from "./safetensors.js";
import { sourceBytes, sourceName, type WeightsSource } from "./source-bytes.js";
import { torchLayers } from "./torch-layers.js";

/** What the weights in a zip may unpack to: those of the model and an optimizer's two moments, four times over. */
const MAXIMUM_GROWTH = 12 * 4;
const MINIMUM_BOUND = 2 ** 24;
/** What follows the pooled features in timm and torchvision, and what MobileNetV3 has of it in front of the last layer. */
const isTorchClassifier = (name: string) => /(^|\.)(classifier|fc|head|conv_head)\.(\d+\.)?(weight|bias)$/.test(name);

/** As `loadWeights`, for functions with another name; Keras files alone where `onlyKeras`. */
export async function loadFrom(
  caller: string,
  model: LayersModel,
  source: WeightsSource,
  options: LoadWeightsOptions & { onlyKeras?: boolean },
): Promise<WeightsReport> {
  const { onlyKeras = false, ...given } = options ?? {};
  checkOptions(caller, given, ["strict", "fileName"]);
  if (!Array.isArray(model?.layers)) throw new InvalidArgumentError(`${caller}: model must be a tfjs LayersModel.`);
  const { strict = true, fileName: file = sourceName(source) } = given;
  if (typeof strict !== "boolean" && strict !== "backbone") {
    throw new InvalidArgumentError(
      `${caller}: strict must be true, false or "backbone"; got ${JSON.stringify(strict)}.`,
    );
  }
  const bytes = await sourceBytes(caller, source);
  if (!onlyKeras && isSafetensors(bytes)) {
    const { layers, ignored } = torchLayers(caller, model, readSafetensors(bytes, file), file);
    // Their constants are known here, and no PyTorch file holds them.
    const isOptional = (layer: string) => layer === "normalization" || layer === "preprocess";
    const spare = ignored.filter((name) => !isTorchClassifier(name));
    const { loaded, missing } = assignWeights(model, layers, { caller, file, strict, isOptional, spare });
    return { kind: "safetensors", loaded, missing, unused: ignored };
  }
  if (!onlyKeras && !isZip(bytes) && !isHdf5(bytes)) throw noWeights(bytes, file);
  const maximumBytes = MINIMUM_BOUND + MAXIMUM_GROWTH * model.countParams();
  return openKerasFile(bytes, { file, maximumBytes }, (layers, kind) => ({
    kind,
    ...assignWeights(model, layers, { caller, file, strict }),
  }));
}
