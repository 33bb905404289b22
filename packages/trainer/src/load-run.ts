import { setupBackend } from "@acr/backend";
import {
  applyAffine,
  type Box,
  getLandmarkScheme,
  ibug68,
  invertAffine,
  type LandmarkScheme,
  type RgbImage,
  ShapeError,
} from "@acr/core";
import { cropImage } from "@acr/datasets";
import { optimizeForTraining } from "@acr/kernels";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { loadModel } from "./load-model.js";
import { predictCenteredAsync } from "./predict-centered-async.js";
import type { Recipe } from "./recipe.js";
import { readRecipe, runFiles } from "./run-folder.js";

/** Landmarks of one face. */
export interface Prediction {
  /** Flat `[x0, y0, …]` in source pixels. */
  landmarks: Float64Array;
  /** The face box that was used. */
  box: Box;
  /** Crop, network and reading back. */
  millisecondsPerImage: number;
}

/** A trained model with its recipe. */
export interface Run {
  readonly recipe: Recipe;
  readonly scheme: LandmarkScheme;
  /** The plain tfjs LayersModel. */
  readonly model: LayersModel;
  /** The same weights behind fused layers: faster. */
  readonly fused: LayersModel;
  /** Finds the landmarks of the face in a box (default: the whole picture). */
  predict(image: RgbImage, box?: Box, options?: { flipTest?: boolean }): Promise<Prediction>;
  dispose(): void;
}

/** Options of `loadRun`. */
export interface LoadRunOptions {
  /** Starts the tfjs backend. Default: the best one of this machine. */
  backend?: () => Promise<unknown>;
}

const SCHEMES_BY_COUNT = new Map(
  [ibug68, getLandmarkScheme("cofw29"), getLandmarkScheme("wflw98")].map((scheme) => [scheme.landmarkCount, scheme]),
);

/**
 * Loads the best model of a run folder.
 *
 * @throws {DataFormatError} the folder holds no run, or its model is damaged.
 * @example
 * const run = await loadRun("runs/first");
 * const { landmarks } = await run.predict(image, [40, 60, 200, 220]);
 */
export async function loadRun(folder: string, { backend = () => setupBackend({}) }: LoadRunOptions = {}): Promise<Run> {
  const recipe = await readRecipe(folder);
  await backend();
  const model = await loadModel(runFiles(folder).model);
  const fused = optimizeForTraining(model);
  const landmarkCount = model.outputs[0]!.shape[1]!;
  const scheme = SCHEMES_BY_COUNT.get(landmarkCount);
  if (!scheme)
    throw new ShapeError(
      `loadRun: the model in "${folder}" predicts ${landmarkCount} landmarks; expected 68, 29 or 98.`,
    );
  const { imageSize } = recipe;
  return {
    recipe,
    scheme,
    model,
    fused,
    predict: async (image, box = [0, 0, image.width - 1, image.height - 1], { flipTest = false } = {}) => {
      const started = performance.now();
      const crop = cropImage(image, box, { imageSize });
      const flat = await predictCenteredAsync(fused, crop.image.data, { imageSize, scheme, flipTest });
      const landmarks = applyAffine(invertAffine(crop.sourceToCentered), flat);
      return { landmarks, box, millisecondsPerImage: performance.now() - started };
    },
    dispose: () => void model.dispose(),
  };
}
