import { existsSync } from "node:fs";
import { readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { type BackendInfo, setupBackend } from "@acr/backend";
import { BackendError, type FaceDataset, InvalidArgumentError } from "@acr/core";
import { makeFolder } from "@acr/core/node";
import { createLoss, type Loss } from "@acr/loss";
import { type Checkpoint, loadNewestCheckpoint } from "./checkpoint.js";
import { holdRunFolder } from "./internal/hold-run-folder.js";
import { isOnGpu } from "./internal/is-on-gpu.js";
import { openTrainingFaces } from "./internal/open-training-faces.js";
import { recipeFileProblems } from "./internal/recipe-file-problems.js";
import { TrainingRun } from "./internal/training-run.js";
import { openDataset } from "./open-dataset.js";
import { overrideRecipe } from "./override-recipe.js";
import { inspectRecipe, parseRecipe, type Recipe, type RecipeInput, recipeError } from "./recipe.js";
import { checkFolderName, checkRunFolderIsFree, createRunFolder, readRecipe, runFiles } from "./run-folder.js";
import type { TrainCallbacks, TrainEvent, TrainResult } from "./train-event.js";
import { trainingLimits } from "./training-limits.js";
import { type TrainingMemory, trainingMemory } from "./training-memory.js";

/** Options of `train`. */
export interface TrainOptions {
  /** What to train; defaults are filled in. With `resume`, the recipe in the folder is used and this must agree or be absent. */
  recipe?: RecipeInput;
  /** The run folder: must not exist or be empty, unless `resume`. */
  folder: string;
  /** Continue the run in `folder` from its last checkpoint, or from the start where there is none yet. Default false. */
  resume?: boolean;
  /** Abort to stop after the step in progress, with a checkpoint. */
  signal?: AbortSignal;
  /** Called, and awaited, with each event of their kind before it is yielded. */
  callbacks?: TrainCallbacks;
  /**
   * The device makes the last photometric changes while it takes the bytes, and takes the next batch while it computes: the
   * same numbers, for two batches of its memory. Default: true on GPUs and webgpu.
   */
  pixelsOnDevice?: boolean;
}

/**
 * Trains a landmark model as a recipe says and reports every step. The generator's return value, also carried by
 * the last event, is the result.
 *
 * The run folder then holds `recipe.json`, `metrics.jsonl`, `environment.json`, `model/` (a plain tfjs LayersModel,
 * best epoch), `checkpoint/` (the last and the one before), `logs/` (TensorBoard), `samples/` and, for losses that need
 * it, `shape-model.json`. The same recipe, engine and thread count give the same weights, bit for bit, also across an
 * interruption or a crash and `resume`.
 *
 * @throws {InvalidArgumentError} the recipe is wrong; the folder holds a run already, or another process trains into it.
 * @throws {DataFormatError} the data set has faults and the recipe does not say `skipFaulty`; all checkpoints are damaged.
 * @throws {BackendError} no backend of this machine can train.
 * @throws {StorageError} the disk is full or read-only; what was written before is intact.
 * @throws {DivergenceError} the loss is no longer finite; the batch is in `failed-batch/`.
 * @example
 * for await (const event of train({ recipe: { loss: "acr", epochs: 2 }, folder: "runs/first" })) {
 *   if (event.type === "epoch") console.log(event.epoch, event.nmePercent);
 * }
 */
export async function* train(options: TrainOptions): AsyncGenerator<TrainEvent, TrainResult> {
  const { callbacks = {} } = options;
  const events = trainEvents(options);
  try {
    for (;;) {
      const { done, value } = await events.next();
      if (done) return value;
      await (callbacks[value.type] as ((event: TrainEvent) => void | Promise<void>) | undefined)?.(value);
      yield value;
    }
  } finally {
    // A consumer that breaks off, or a callback that throws, must not leave the model's tensors behind.
    await events.return(undefined as never);
  }
}

async function* trainEvents(options: TrainOptions): AsyncGenerator<TrainEvent, TrainResult> {
  const { folder, resume = false } = options;
  checkFolderName("train", folder);
  const recipe = resume ? await resumedRecipe(folder, options.recipe) : await checkedRecipe(options.recipe ?? {});
  if (!resume) checkRunFolderIsFree(folder);
  const backend = await setupBackend({
    prefer: recipe.backend === "auto" ? undefined : [recipe.backend],
    threads: recipe.threads,
  });
  const loss = createLoss(recipe.loss, recipe.lossOptions);
  // Data before the folder: a fault must show before anything is written.
  const trainFaces = await openTrainingFaces(recipe);
  const valFaces = await openDataset(recipe, recipe.valSplit);
  checkFaces(recipe, trainFaces, valFaces);
  await makeFolder(folder);
  const hold = await holdRunFolder(folder);
  try {
    return yield* eventsInFolder(options, { recipe, backend, loss, trainFaces, valFaces });
  } finally {
    await hold.release();
  }
}

/** What a run was asked for, opened and checked. */
interface RunInputs {
  recipe: Recipe;
  backend: BackendInfo;
  loss: Loss;
  trainFaces: FaceDataset;
  valFaces: FaceDataset;
}

/** The events of a run in a folder that is this process' own for the time being. */
async function* eventsInFolder(
  { folder, resume = false, signal, ...options }: TrainOptions,
  { recipe, backend, loss, trainFaces, valFaces }: RunInputs,
): AsyncGenerator<TrainEvent, TrainResult> {
  const found = resume ? await loadNewestCheckpoint(runFiles(folder)) : undefined;
  if (found) checkContinuation(found.checkpoint, { folder, recipe, trainFaces, valFaces });
  const environment = { node: process.version, platform: `${process.platform}-${process.arch}`, backend };
  if (!resume) await createRunFolder(folder, recipe, environment);

  const pixelsOnDevice = options.pixelsOnDevice ?? isOnGpu(backend);
  const run = new TrainingRun({ recipe, folder, trainFaces, valFaces, loss, threads: backend.threads, pixelsOnDevice });
  let status: "success" | "failure" = "failure";
  let hasStarted = false;
  try {
    await run.prepare(found?.checkpoint);
    const needs = trainingMemory(run.model, {
      batchSize: recipe.batchSize,
      ...trainingLimits(backend, { pixelsOnDevice }),
    });
    if (isOnGpu(backend) && needs.largestBatch !== null && needs.largestBatch < recipe.batchSize)
      throw memoryFault(recipe.batchSize, needs, backend);
    hasStarted = true;
    yield {
      type: "start",
      recipe,
      folder,
      backend: { name: backend.name, threads: backend.threads, description: backend.description },
      trainCount: trainFaces.length,
      valCount: valFaces.length,
      skipped: skippedCount(trainFaces) + skippedCount(valFaces),
      parameterCount: run.model.countParams(),
      memory: needs,
      stepsPerEpoch: run.stepsPerEpoch,
      ...(resume && {
        resumedFrom: {
          epoch: (found?.checkpoint.epoch ?? 0) + 1,
          batch: found?.checkpoint.batch ?? 0,
          ...(found?.fault !== undefined && { fault: found.fault }),
        },
      }),
    };
    const result = yield* run.epochs(signal);
    status = "success";
    yield { type: "end", result };
    return result;
  } finally {
    await run.close(status);
    // The folder held nothing before, and a better recipe should find it so.
    if (!hasStarted && !resume) await emptyFolder(folder);
  }
}

/** Takes everything out of a folder, and the folder away unless it is in use, as a mounted one is. */
async function emptyFolder(folder: string): Promise<void> {
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
  await rmdir(folder).catch(() => undefined);
}

function memoryFault(batchSize: number, needs: TrainingMemory, backend: BackendInfo): BackendError {
  const gigabytes = (bytes: number) => `${(bytes / 2 ** 30).toPrecision(2)} GB`;
  const limits = [
    ...(needs.availableBytes === null ? [] : [`${gigabytes(needs.availableBytes)} free`]),
    ...(backend.largestTensorBytes === undefined ? [] : [`${gigabytes(backend.largestTensorBytes)} in one tensor`]),
  ];
  const next = needs.largestBatch! > 0 ? `Use a batch of at most ${needs.largestBatch}, or` : "Use";
  return new BackendError(
    `train: a step with batch ${batchSize} needs about ${gigabytes(needs.neededBytes)}; ${backend.description} has ${limits.join(", ")}. ${next} smaller images or a smaller backbone. Nothing was written.`,
  );
}

const skippedCount = (faces: FaceDataset) => (faces as { skipped?: number }).skipped ?? 0;

/** A recipe that can be run here, as far as can be told without loading anything. */
async function checkedRecipe(input: RecipeInput): Promise<Recipe> {
  const { recipe, rest, problems } = inspectRecipe(input);
  const readable = recipe ?? rest;
  if (readable) problems.push(...(await recipeFileProblems(readable)));
  if (problems.length > 0 || !recipe) throw recipeError(problems);
  return recipe;
}

function checkFaces(recipe: Recipe, trainFaces: FaceDataset, valFaces: FaceDataset): void {
  const problems: string[] = [];
  if (trainFaces.scheme.id !== valFaces.scheme.id)
    problems.push(`both splits must have one landmark scheme; got ${trainFaces.scheme.id} and ${valFaces.scheme.id}`);
  if (recipe.batchSize > trainFaces.length)
    problems.push(`batchSize ${recipe.batchSize} is larger than the training set of ${trainFaces.length} faces`);
  if (valFaces.length === 0) problems.push("the validation split holds no face");
  if (problems.length > 0) throw new InvalidArgumentError(`train: ${problems.join("; ")}.`);
}

async function resumedRecipe(folder: string, input: RecipeInput | undefined): Promise<Recipe> {
  if (!existsSync(runFiles(folder).recipe))
    throw new InvalidArgumentError(`train: nothing to resume in "${folder}": it holds no run. Start without --resume.`);
  const recipe = await readRecipe(folder);
  if (input === undefined) return recipe;
  const asked = parseRecipe(overrideRecipe(recipe, input));
  const changed = differingFields(asked, recipe);
  if (changed.length > 0)
    throw new InvalidArgumentError(
      `train: a run resumes with its own recipe; these fields differ from ${runFiles(folder).recipe}: ${changed.join(", ")}. To go on from its weights with another recipe, start a new run with init (--init) "${folder}".`,
    );
  return recipe;
}

const differingFields = (one: Recipe, other: Recipe): string[] =>
  (Object.keys({ ...one, ...other }) as (keyof Recipe)[]).filter(
    (key) => JSON.stringify(one[key]) !== JSON.stringify(other[key]),
  );

/** @throws {InvalidArgumentError} the recipe in the folder, or the data, is no longer what the checkpoint was trained with. */
function checkContinuation(
  { recipe: before, faceCounts }: Checkpoint,
  {
    folder,
    recipe,
    trainFaces,
    valFaces,
  }: { folder: string; recipe: Recipe; trainFaces: FaceDataset; valFaces: FaceDataset },
): void {
  const changed = before ? differingFields(withoutMachine(parseRecipe(before)), withoutMachine(recipe)) : [];
  if (changed.length > 0)
    throw new InvalidArgumentError(
      `train: ${runFiles(folder).recipe} was changed since the run began, in ${changed.join(", ")}. Put back what it said, or start a new run with init (--init) "${folder}".`,
    );
  if (faceCounts && (faceCounts.train !== trainFaces.length || faceCounts.val !== valFaces.length))
    throw new InvalidArgumentError(
      `train: the data set was changed since the run began: ${trainFaces.length} training and ${valFaces.length} validation faces; expected ${faceCounts.train} and ${faceCounts.val}.`,
    );
}

/** A recipe without what belongs to a machine, on which a run need not end: the places of files, the engine and its threads. */
function withoutMachine(recipe: Recipe): Recipe {
  const { root: _root, init: _init, threads: _threads, weights, ...rest } = recipe;
  return {
    ...rest,
    backend: "auto",
    mix: recipe.mix.map(({ root: _place, ...source }) => source),
    difficulty: { ...recipe.difficulty, shapeModel: undefined },
    ...(weights && { weights: { ...weights, file: "" } }),
  };
}
