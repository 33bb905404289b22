import {
  applyAffine,
  DataFormatError,
  type Face,
  type FaceDataset,
  InvalidArgumentError,
  invertAffine,
  ShapeError,
} from "@acr/core";
import { createBatches, type DataFault, type FaceCache } from "@acr/datasets";
import { type EvaluationOptions, type EvaluationResult, evaluate } from "@acr/metrics";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { perturbBoxes } from "./internal/perturb-boxes.js";
import { predictCenteredAsync } from "./predict-centered-async.js";

/** Options of `evaluateModel`; a recipe will do. */
export interface EvaluateModelOptions {
  /** Side of the square input in pixels. */
  imageSize: number;
  /** The divisor of the NME. */
  normalizer: EvaluationOptions["normalizer"];
  /** Average the predictions on each crop and its mirror image. Default false. */
  flipTest?: boolean;
  /** Standard deviation of random shifts and scalings of the boxes, a fraction of their size, in [0, 1). Default 0. */
  boxNoise?: number;
  /**
   * Crops of these faces that were read before, from `createFaceCache(faces, { imageSize, extent: "crop" })`: for data sets of
   * files, without box noise. Default: pictures are decoded each time.
   */
  cache?: FaceCache;
  /** Of the box noise. Default 0. */
  noiseSeed?: number | string;
  /** Resamples of the bootstrap intervals; 0 for none. Default 1000. */
  resamples?: number;
  /** Leave faces out whose picture cannot be read. Default false. */
  skipFaulty?: boolean;
  /** Takes each face that is left out. */
  onFault?(fault: DataFault): void;
  /** NME above which a face counts as failed, and upper end of the AUC, a fraction. Default 0.1. */
  threshold?: number;
}

/** Faces of an evaluation, in data-set order, without those that were left out, in source pixels. */
export interface ModelEvaluation {
  metrics: EvaluationResult;
  ids: string[];
  /** Index of each face in the data set. */
  indices: number[];
  predictions: Float64Array[];
  targets: readonly ArrayLike<number>[];
  /** Attributes of each face, as the data set gives them. */
  tags: Face["tags"][];
  /** K flags a face, 1 = visible; `undefined` where the data set does not say. */
  visible: (ArrayLike<number> | undefined)[];
  /** Network and reading back, without decoding and cropping; mean over all but the first batch where there are several. */
  millisecondsPerImage: number;
}

const EVALUATION_BATCH = 32;

/**
 * Predicts every face of a data set and scores the result in the pixels of the source images.
 *
 * All landmarks count, visible or not, as the published protocols of 300-W, COFW and WFLW have it.
 *
 * @param model - input `[B, H, W, 3]` (0–255), output `[B, K, 2]` in the `centered` frame.
 * @throws {ShapeError} the model predicts another number of landmarks than the faces have.
 * @throws {InvalidArgumentError} a prediction is not finite, boxNoise is out of range.
 * @throws {DataFormatError} a picture cannot be read, unless skipFaulty; not one of them can.
 * @example const { metrics } = await evaluateModel(run.fused, faces, { ...run.recipe, flipTest: true });
 */
export async function evaluateModel(
  model: LayersModel,
  faces: FaceDataset,
  options: EvaluateModelOptions,
): Promise<ModelEvaluation> {
  const { imageSize, normalizer, flipTest = false, boxNoise = 0, noiseSeed = 0, resamples, threshold, cache } = options;
  if (cache && (boxNoise > 0 || !isOfFiles(faces)))
    throw new InvalidArgumentError(
      "evaluateModel: cache is for data sets of files and exact boxes; got drawn faces or boxNoise.",
    );
  const { skipFaulty = false, onFault = () => {} } = options;
  if (!(boxNoise >= 0 && boxNoise < 1))
    throw new InvalidArgumentError(`evaluateModel: boxNoise must be in [0, 1); got ${boxNoise}.`);
  const { scheme } = faces;
  const landmarkCount = model.outputs[0]!.shape[1];
  if (landmarkCount !== scheme.landmarkCount)
    throw new ShapeError(
      `evaluateModel: ${faces.name} has the ${scheme.landmarkCount} landmarks of ${scheme.id}; the model predicts ${landmarkCount}.`,
    );
  const seen = annotationsOf(boxNoise > 0 ? perturbBoxes(faces, { strength: boxNoise, seed: noiseSeed }) : faces);
  const ids: string[] = [];
  const predictions: Float64Array[] = [];
  const times: number[] = [];
  const indices: number[] = [];
  for await (const batch of createBatches(seen.faces, {
    batchSize: EVALUATION_BATCH,
    imageSize,
    skipFaulty,
    onFault,
    cache,
  })) {
    indices.push(...batch.indices);
    const started = performance.now();
    const flat = await predictCenteredAsync(model, batch.images, { imageSize, scheme, flipTest });
    times.push((performance.now() - started) / batch.size);
    const length = flat.length / batch.size;
    for (let i = 0; i < batch.size; i++) {
      const toSource = invertAffine(batch.sourceToCentered[i]!);
      ids.push(batch.ids[i]!);
      predictions.push(applyAffine(toSource, flat.subarray(i * length, (i + 1) * length)));
    }
  }
  // The first batch pays for the start of the engine.
  const counted = times.length > 1 ? times.slice(1) : times;
  if (indices.length === 0) throw new DataFormatError("not one face can be read.", { file: faces.name });
  const annotations = seen.annotations(indices);
  return {
    metrics: evaluate(predictions, annotations.targets, {
      scheme,
      normalizer,
      resamples,
      failureThreshold: threshold,
      aucThreshold: threshold,
    }),
    ids,
    indices,
    predictions,
    ...annotations,
    millisecondsPerImage: counted.reduce((sum, time) => sum + time, 0) / counted.length,
  };
}

type Annotations = Pick<Face, "landmarks" | "tags" | "visible">;
type Describing = { describe?(index: number): Annotations & { file?: string }; sources?: readonly string[] };

/**
 * Whether a data set knows its labels without its pictures. Of faces that are drawn on demand, only the finished picture
 * tells which landmarks are hidden.
 */
export function isOfFiles(faces: FaceDataset): boolean {
  const { describe, sources } = faces as Describing;
  return describe !== undefined && (sources !== undefined || describe.call(faces, 0).file !== undefined);
}

/** Faces that remember what was said of them when they were read, so that no picture is decoded twice. */
function annotationsOf(faces: FaceDataset): {
  faces: FaceDataset;
  annotations(indices: readonly number[]): Pick<ModelEvaluation, "targets" | "tags" | "visible">;
} {
  const { describe } = faces as Describing;
  const list = (all: Annotations[]) => ({
    targets: all.map(({ landmarks }) => landmarks),
    tags: all.map(({ tags }) => tags),
    visible: all.map(({ visible }) => visible),
  });
  if (describe && isOfFiles(faces))
    return { faces, annotations: (indices) => list(indices.map((i) => describe.call(faces, i))) };
  const seen: Annotations[] = [];
  const get = async (index: number) => {
    const face = await faces.get(index);
    seen[index] = { landmarks: face.landmarks, tags: face.tags, visible: face.visible };
    return face;
  };
  return {
    faces: {
      name: faces.name,
      length: faces.length,
      scheme: faces.scheme,
      get,
      async *[Symbol.asyncIterator]() {
        for (let i = 0; i < faces.length; i++) yield get(i);
      },
    },
    annotations: (indices) => list(indices.map((i) => seen[i]!)),
  };
}
