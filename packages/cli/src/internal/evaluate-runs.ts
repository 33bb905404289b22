import { setupBackend } from "@acr/backend";
import { type FaceDataset, InvalidArgumentError } from "@acr/core";
import type { DataFault } from "@acr/datasets";
import { comparePaired, holmAdjust, type NormalizerName, type PairedComparison } from "@acr/metrics";
import { evaluateModel, loadRun, type ModelEvaluation, openDataset, parseRecipe, type Recipe } from "@acr/trainer";
import type { DatasetOptions } from "./dataset-options.js";

/** Conditions of an evaluation. */
export interface EvaluateRunsOptions {
  backend?: string;
  /** Default: that of the recipes, which must then agree. */
  normalizer?: NormalizerName;
  flipTest?: boolean;
  boxNoise?: number;
  seed?: number;
  threshold?: number;
  /** Names of the runs; default: their folders. */
  names?: readonly string[];
}

/** One run on one data set. */
export interface EvaluatedRun {
  name: string;
  folder: string;
  recipe: Recipe;
  parameterCount: number;
  evaluation: ModelEvaluation;
  /** The same without box noise, where there is noise. */
  exactBoxes?: ModelEvaluation;
}

/** Runs on the same faces. */
export interface EvaluatedRuns {
  faces: FaceDataset;
  normalizer: NormalizerName;
  runs: EvaluatedRun[];
  /** What the engine calls itself. */
  engine: string;
}

/**
 * Evaluates runs one after the other on the same faces: those that the first run's recipe and the options name.
 *
 * @throws {AcrError} no run, a damaged one, models for other landmarks, recipes with different normalisers.
 */
export async function evaluateRuns(
  folders: readonly string[],
  { dataset, root, split, skipFaulty }: DatasetOptions,
  options: EvaluateRunsOptions = {},
): Promise<EvaluatedRuns> {
  const { backend, flipTest, boxNoise = 0, seed, threshold, names = folders } = options;
  let engine = "";
  const start = async () => {
    engine = (await setupBackend({ prefer: backend ? [backend] : undefined })).description;
  };
  // The name of the data set is checked before an engine starts.
  parseRecipe({ dataset, root });
  let faces: FaceDataset | undefined;
  let normalizer = options.normalizer;
  const runs: EvaluatedRun[] = [];
  for (const [i, folder] of folders.entries()) {
    const run = await loadRun(folder, { backend: start });
    try {
      faces ??= await openDataset({ ...run.recipe, dataset, root, skipFaulty }, split);
      normalizer ??= run.recipe.normalizer;
      if (!options.normalizer && run.recipe.normalizer !== normalizer)
        throw new InvalidArgumentError(
          `acr: the runs must share a normalizer; "${folders[0]}" has ${normalizer}, "${folder}" ${run.recipe.normalizer}. Choose one with --normalizer.`,
        );
      const onFault = ({ file, message }: DataFault) => void process.stderr.write(`left out: ${file}: ${message}\n`);
      const conditions = { imageSize: run.recipe.imageSize, normalizer, flipTest, threshold, skipFaulty, onFault };
      const evaluation = await evaluateModel(run.fused, faces, { ...conditions, boxNoise, noiseSeed: seed });
      runs.push({
        name: names[i]!,
        folder,
        recipe: run.recipe,
        parameterCount: run.model.countParams(),
        evaluation,
        ...(boxNoise > 0 && { exactBoxes: await evaluateModel(run.fused, faces, conditions) }),
      });
    } finally {
      run.dispose();
    }
  }
  if (!faces || !normalizer) throw new InvalidArgumentError("acr: expected at least one --run.");
  return { faces, normalizer, runs, engine };
}

/** Two runs compared face by face. */
export interface RunComparison extends PairedComparison {
  first: string;
  second: string;
  /** Corrected for the number of comparisons, by Holm's method. */
  adjustedPValue: number;
}

/** Every run against the first one; differences are in percent of the normaliser. */
export function compareRuns(runs: readonly EvaluatedRun[]): RunComparison[] {
  const [base, ...others] = runs;
  if (!base) return [];
  const compared = others.map((run) => ({
    first: run.name,
    second: base.name,
    ...comparePaired(run.evaluation.metrics.perFacePercent, base.evaluation.metrics.perFacePercent),
  }));
  const adjusted = holmAdjust(compared.map(({ pValue }) => pValue));
  return compared.map((one, i) => ({ ...one, adjustedPValue: adjusted[i]! }));
}
