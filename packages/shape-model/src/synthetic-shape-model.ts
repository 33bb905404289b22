import { InvalidArgumentError } from "@acr/core";
import { COFW29 } from "./internal/presets/cofw29.js";
import { IBUG68 } from "./internal/presets/ibug68.js";
import { WFLW98 } from "./internal/presets/wflw98.js";
import { PointModel } from "./point-model.js";

const MODELS = [IBUG68, COFW29, WFLW98];

/**
 * A point model for a start, fitted on the labels of 2000 synthetic faces and their mirror images; nothing is loaded.
 *
 * It knows how heads turn and mouths open, but only as the drawing program moves them: for Φ in training fit a model on
 * the training labels.
 *
 * Frame: `centered`, for crops of the default protocol (tight box of the landmarks, squared, side × 1.3).
 *
 * @param scheme - `"ibug68"`, `"cofw29"` or `"wflw98"`.
 * @returns a model with all its modes, to float32.
 * @throws {InvalidArgumentError} another scheme.
 * @example const model = syntheticShapeModel("ibug68");
 */
export function syntheticShapeModel(scheme: string): PointModel {
  const found = MODELS.find((model) => model.scheme === scheme);
  if (!found)
    throw new InvalidArgumentError(
      `syntheticShapeModel: scheme must be one of ${MODELS.map((model) => model.scheme).join(", ")}; got ${JSON.stringify(scheme)}.`,
    );
  const { sampleCount, totalVariance, landmarkCount, modeCount, float32 } = found;
  const length = 2 * landmarkCount;
  const view = new DataView(Uint8Array.from(atob(float32), (character) => character.charCodeAt(0)).buffer);
  const numbers = Array.from({ length: view.byteLength / 4 }, (_, i) => view.getFloat32(4 * i, true));
  const rows = numbers.slice(length + modeCount);
  return PointModel.fromJSON({
    formatVersion: 1,
    mean: numbers.slice(0, length),
    eigenvalues: numbers.slice(length, length + modeCount),
    modes: Array.from({ length: modeCount }, (_, i) => rows.slice(i * length, (i + 1) * length)),
    totalVariance,
    sampleCount,
    scheme,
  });
}
