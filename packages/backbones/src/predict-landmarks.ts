import { InvalidArgumentError, ShapeError } from "@acr/core";
import { type Tensor, type Tensor2D, type Tensor3D, type Tensor4D, tidy } from "@tensorflow/tfjs-core";
import { model as createModel, type LayersModel, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import { findHead } from "./internal/heads/landmark-heads.js";

/** What `predictLandmarks` returns; owned by the caller. */
export interface LandmarkPrediction {
  /** [B, K, 2], `centered`. */
  landmarks: Tensor3D;
  /**
   * [B, K] in [0, 1]: how sure the head is of each landmark. It orders points by trust; it is not a calibrated chance.
   * `undefined` for heads that know none (`gap`).
   */
  confidence?: Tensor2D;
}

/**
 * Predicts landmarks and, where the head knows it, how sure it is of each.
 *
 * Confidence: `integral` and `pip`, the share of a landmark's map within 3×3 cells of its densest place; `simcc`, the height of
 * the flatter of its two peaks, relative to that of a training target.
 *
 * @param model - from `createLandmarkModel`, also after saving and loading.
 * @param images - [B, H, W, 3], values 0 … 255.
 * @throws {InvalidArgumentError} model is no LayersModel with one output [B, K, 2].
 * @throws {ShapeError} images are of another shape than the model's input.
 * @example
 * const { landmarks, confidence } = predictLandmarks(model, images);
 */
export function predictLandmarks(model: LayersModel, images: Tensor4D): LandmarkPrediction {
  if (!Array.isArray(model?.layers) || model.outputs?.length !== 1 || model.outputs[0]!.shape.length !== 3) {
    throw new InvalidArgumentError("predictLandmarks: model must be a LayersModel with one output [B, K, 2].");
  }
  const wanted = model.inputs[0]!.shape;
  const given = images?.shape as number[] | undefined;
  if (given?.length !== wanted.length || wanted.some((side, i) => side !== null && side !== given[i])) {
    const expected = wanted.map((side) => side ?? "B").join(", ");
    throw new ShapeError(
      `predictLandmarks: images must be [${expected}]; got ${given ? `[${given.join(", ")}]` : String(images)}.`,
    );
  }
  const head = findHead(model)?.head;
  const layerNames = head?.confidenceLayers;
  if (!head?.confidence || !layerNames) return { landmarks: tidy(() => model.predict(images) as Tensor3D) };
  const view = createModel({
    inputs: model.inputs,
    outputs: [model.outputs[0]!, ...layerNames.map((name) => model.getLayer(name).output as SymbolicTensor)],
  });
  return tidy(() => {
    const [landmarks, ...rest] = view.predict(images) as Tensor[];
    return { landmarks: landmarks as Tensor3D, confidence: head.confidence!(rest) };
  });
}
