import { createLandmarkModel, freezeLayers, type LandmarkModelOptions } from "@acr/backbones";
import { InvalidArgumentError, type LandmarkScheme } from "@acr/core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { loadModel } from "../load-model.js";
import type { Recipe } from "../recipe.js";
import { runFiles } from "../run-folder.js";

/** The network of a recipe at its start: random, with the weights of a file, or with those of another run; its frozen parts frozen. */
export async function startModel(
  recipe: Recipe,
  options: { scheme: LandmarkScheme; meanShape: ArrayLike<number>; isResumed?: boolean },
): Promise<LayersModel> {
  const model = await startWeights(recipe, options);
  try {
    freezeLayers(model, recipe.freeze);
  } catch (error) {
    model.dispose();
    throw error;
  }
  return model;
}

async function startWeights(
  recipe: Recipe,
  {
    scheme,
    meanShape,
    isResumed = false,
  }: { scheme: LandmarkScheme; meanShape: ArrayLike<number>; isResumed?: boolean },
): Promise<LayersModel> {
  const { file, ...architecture } = recipe.weights ?? {};
  const model = await createLandmarkModel({
    backbone: recipe.backbone,
    landmarkCount: scheme.landmarkCount,
    imageSize: recipe.imageSize,
    dropout: recipe.dropout,
    // Checked there: it knows the valid names.
    head: recipe.head as LandmarkModelOptions["head"],
    meanShape,
    seed: recipe.seed,
    ...architecture,
    // A checkpoint holds all weights; this file, or the run of `init`, may be gone.
    ...(file !== undefined && !isResumed && { weights: file }),
  });
  if (recipe.init === undefined || isResumed) return model;
  const source = await loadModel(runFiles(recipe.init).model);
  try {
    copyWeights(source, model, recipe);
  } catch (error) {
    model.dispose();
    throw error;
  } finally {
    source.dispose();
  }
  return model;
}

/** Weights go by name, not by the whole graph: a loaded model would lack the seeds of its dropout. */
function copyWeights(source: LayersModel, model: LayersModel, { init, initHead, backbone }: Recipe): void {
  const given = new Map(source.weights.map((weight) => [weight.originalName, weight]));
  const isHead = (name: string) => /^(head|landmarks)/.test(name);
  const missing: string[] = [];
  for (const weight of model.weights) {
    if (initHead === "new" && isHead(weight.originalName)) continue;
    const other = given.get(weight.originalName);
    if (other && JSON.stringify(other.shape) === JSON.stringify(weight.shape)) weight.write(other.read());
    else missing.push(weight.originalName);
  }
  if (missing.length === 0) return;
  const onlyHead = missing.every(isHead);
  throw new InvalidArgumentError(
    onlyHead
      ? `train: init: the model in "${init}" predicts other landmarks or has another head (${missing[0]}). Say initHead: "new" to start the head afresh.`
      : `train: init: the model in "${init}" does not fit ${backbone}: ${missing.length} of ${model.weights.length} weights are absent or have another shape, the first ${missing[0]}.`,
  );
}
