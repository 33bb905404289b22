import { readFile } from "node:fs/promises";
import { applyAffine, DataFormatError, type FaceDataset, InvalidArgumentError } from "@acr/core";
import { cropTransform } from "@acr/datasets";
import { evaluateSubsets } from "@acr/metrics";
import { type ReportInput, type ReportRun, type ReportSample, renderReport } from "@acr/report";
import { alignShapes, PointModel } from "@acr/shape-model";
import { readHistory, runFiles } from "@acr/trainer";
import type { DatasetOptions } from "./dataset-options.js";
import { compareRuns, type EvaluatedRun, type EvaluateRunsOptions, evaluateRuns } from "./evaluate-runs.js";
import { attributeSubsets, protocolSubsets } from "./face-subsets.js";

export { renderReport };

/** Faces shown of each run: the best, around the median, and the worst. */
const SAMPLES_EACH = 4;

/** Positions in a ranking of `count` faces that the report shows. */
function shownRanks(count: number): { position: number; rank: ReportSample["rank"] }[] {
  const shown = new Map<number, ReportSample["rank"]>();
  const add = (start: number, rank: ReportSample["rank"]) => {
    for (let position = start; position < start + SAMPLES_EACH; position++)
      if (position >= 0 && position < count && !shown.has(position)) shown.set(position, rank);
  };
  add(0, "best");
  add(Math.floor((count - SAMPLES_EACH) / 2), "median");
  add(count - SAMPLES_EACH, "worst");
  return [...shown].map(([position, rank]) => ({ position, rank })).sort((a, b) => a.position - b.position);
}

/** Options of `createRunReport`. */
export interface RunReportOptions extends EvaluateRunsOptions {
  title?: string;
}

/** Evaluates runs on the same faces and gathers what the report shows. */
export async function createRunReport(
  folders: readonly string[],
  source: DatasetOptions,
  { title, ...options }: RunReportOptions = {},
): Promise<ReportInput> {
  const names = options.names ?? folders;
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  // Known before minutes of work.
  if (twice !== undefined) throw new InvalidArgumentError(`acr report: two runs are called "${twice}".`);
  const { faces, normalizer, runs, engine } = await evaluateRuns(folders, source, options);
  const [first] = runs;
  const reported: ReportRun[] = [];
  for (const run of runs) reported.push(await describeRun(run, faces, source));
  return {
    title: title ?? (runs.length === 1 ? `Landmark model ${first!.name}` : "Landmark models compared"),
    runs: reported,
    scheme: faces.scheme,
    dataset: `${source.dataset} ${source.split}`,
    normalizer,
    meanShape: alignShapes(first!.evaluation.targets.map((target) => Float64Array.from(target))).mean,
    comparisons: compareRuns(runs),
    engine,
  };
}

async function describeRun(
  run: EvaluatedRun,
  faces: FaceDataset,
  { dataset, split }: DatasetOptions,
): Promise<ReportRun> {
  const { name, folder, recipe, parameterCount, evaluation } = run;
  const { metrics, ids, indices, predictions, targets, millisecondsPerImage } = evaluation;
  const errors = metrics.perFacePercent;
  const ranking = [...errors.keys()].sort((a, b) => errors[a]! - errors[b]!);
  const difficulty = await difficultyOf(run);
  const samples: ReportSample[] = [];
  for (const { position, rank } of shownRanks(ranking.length)) {
    const index = ranking[position]!;
    const { id, image, box } = await faces.get(indices[index]!);
    const target = targets[index]!;
    samples.push({
      id,
      image,
      predicted: predictions[index]!,
      target,
      nmePercent: errors[index]!,
      rank,
      difficulty: difficulty?.(applyAffine(cropTransform(box), target)),
    });
  }
  const subsets = { ...protocolSubsets(dataset, split, ids), ...attributeSubsets(evaluation, faces.scheme) };
  const history = await readHistory(folder);
  return {
    name,
    recipe,
    environment: await readEnvironment(folder),
    history,
    evaluation: metrics,
    samples,
    seconds: history.at(-1)?.seconds,
    subsets: evaluateSubsets(
      errors.map((error) => error / 100),
      subsets,
    ),
    millisecondsPerImage,
    parameterCount,
    meanDifficulty: difficulty && meanDifficulty(targets, difficulty),
  };
}

async function readEnvironment(folder: string): Promise<object> {
  const file = runFiles(folder).environment;
  const text = await readFile(file, "utf8").catch(() => "{}");
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DataFormatError("is not JSON.", { file, cause });
  }
}

type Difficulty = (centered: ArrayLike<number>) => Float64Array;

/** Φ of each landmark in the first stage of the run, or `undefined` for a run without a shape model. */
async function difficultyOf({ folder, recipe }: EvaluatedRun): Promise<Difficulty | undefined> {
  const file = runFiles(folder).shapeModel;
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const model = PointModel.fromJSON(JSON.parse(text));
    const { by, schedule } = recipe.difficulty;
    const modes = model.modeCount({ by, fraction: schedule[0]!.fraction });
    return (centered) => model.difficulty(centered, { modes, unit: "landmark" });
  } catch (cause) {
    throw new DataFormatError(`holds no shape model: ${(cause as Error).message}`, { file, cause });
  }
}

/** Φ does not change when a face is moved or scaled within its crop by a little, so the tight box of the labels will do. */
function meanDifficulty(targets: readonly ArrayLike<number>[], difficulty: Difficulty): Float64Array {
  let sum: Float64Array | undefined;
  for (const target of targets) {
    const phi = difficulty(applyAffine(cropTransform(tightBox(target)), target));
    sum ??= new Float64Array(phi.length);
    for (let k = 0; k < phi.length; k++) sum[k]! += phi[k]! / targets.length;
  }
  return sum!;
}

function tightBox(shape: ArrayLike<number>): [number, number, number, number] {
  const axis = (offset: number) => Array.from(shape).filter((_, q) => q % 2 === offset);
  const [x, y] = [axis(0), axis(1)];
  return [Math.min(...x), Math.min(...y), Math.max(...x), Math.max(...y)];
}
