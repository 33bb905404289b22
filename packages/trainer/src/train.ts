import { existsSync } from "node:fs";
import { defaultAugmentation, paperAugmentation, strongAugmentation } from "@acr/augment";
import { createHeadTraining, createLandmarkModel, type HeadTraining, type LandmarkModelOptions } from "@acr/backbones";
import { setupBackend } from "@acr/backend";
import { type Augmentation, type FaceDataset, InvalidArgumentError } from "@acr/core";
import { createLoader, type Loader } from "@acr/datasets";
import { FusedAdam, optimizeForTraining } from "@acr/kernels";
import { createLoss, type Loss } from "@acr/loss";
import { difficultyTensor, type PointModel, stageAt } from "@acr/shape-model";
import {
  memory,
  type Scalar,
  type Tensor,
  tensor,
  tensor3d,
  tensor4d,
  tidy,
  type Variable,
  variableGrads,
} from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from "./checkpoint.js";
import { evaluateModel } from "./evaluate-model.js";
import { fitShapeModel } from "./fit-shape-model.js";
import { writeFileAtomically } from "./internal/write-file-atomically.js";
import { learningRateAt } from "./learning-rate-at.js";
import { loadModel } from "./load-model.js";
import { openDataset } from "./open-dataset.js";
import { parseRecipe, type Recipe, type RecipeInput } from "./recipe.js";
import { appendHistory, createRunFolder, readHistory, readRecipe, runFiles, writeHistory } from "./run-folder.js";
import { saveModel } from "./save-model.js";
import type { EpochMetrics, TrainEvent, TrainResult } from "./train-event.js";

/** Options of `train`. */
export interface TrainOptions {
  /** What to train; defaults are filled in. With `resume`, the recipe in the folder is used and this must agree or be absent. */
  recipe?: RecipeInput;
  /** The run folder: must not exist or be empty, unless `resume`. */
  folder: string;
  /** Continue the run in `folder` from its last checkpoint. Default false. */
  resume?: boolean;
  /** Abort to stop after the step in progress, with a checkpoint. */
  signal?: AbortSignal;
}

const AUGMENTATIONS: Record<Recipe["augmentation"], () => Augmentation | undefined> = {
  default: () => defaultAugmentation(),
  paper: () => paperAugmentation(),
  strong: () => strongAugmentation(),
  none: () => undefined,
};

/** The trainable variables of a model, and all its weights by a name that is unique and stable. */
function modelVariables(model: LayersModel): { trainable: Variable[]; all: Map<string, Variable> } {
  const variable = (weight: { read(): Tensor }) => weight.read() as Variable;
  return {
    trainable: model.trainableWeights.map(variable),
    all: new Map(model.weights.map((weight, i) => [`${i}:${weight.originalName}`, variable(weight)])),
  };
}

/**
 * Trains a landmark model as a recipe says and reports every step. The generator's return value, also carried by
 * the last event, is the result.
 *
 * The run folder then holds `recipe.json`, `metrics.jsonl`, `environment.json`, `model/` (a plain tfjs LayersModel,
 * best epoch), `checkpoint/` and, for losses that need it, `shape-model.json`. The same recipe, engine and thread count
 * give the same weights, bit for bit, also across an interruption and `resume`.
 *
 * @throws {InvalidArgumentError} the recipe is wrong, or the folder holds a run already.
 * @throws {DataFormatError} the data set has faults and the recipe does not say `skipFaulty`.
 * @throws {BackendError} no backend of this machine can train.
 * @example
 * for await (const event of train({ recipe: { loss: "acr", epochs: 2 }, folder: "runs/first" })) {
 *   if (event.type === "epoch") console.log(event.epoch, event.nmePercent);
 * }
 */
export async function* train(options: TrainOptions): AsyncGenerator<TrainEvent, TrainResult> {
  const { folder, resume = false, signal } = options;
  const recipe = resume ? await resumedRecipe(folder, options.recipe) : parseRecipe(options.recipe ?? {});
  // Data before anything else: a fault must show before a folder is made or an engine started.
  const trainFaces = await openDataset(recipe, recipe.trainSplit);
  const valFaces = await openDataset(recipe, recipe.valSplit);
  if (trainFaces.scheme.id !== valFaces.scheme.id) {
    throw new InvalidArgumentError(
      `train: both splits must have one landmark scheme; got ${trainFaces.scheme.id} and ${valFaces.scheme.id}.`,
    );
  }
  const stepsPerEpoch = Math.floor(trainFaces.length / recipe.batchSize);
  if (stepsPerEpoch === 0) {
    throw new InvalidArgumentError(
      `train: batchSize ${recipe.batchSize} is larger than the training set of ${trainFaces.length} faces.`,
    );
  }
  const backend = await setupBackend({
    prefer: recipe.backend === "auto" ? undefined : [recipe.backend],
    threads: recipe.threads,
  });
  const loss = createLoss(recipe.loss, recipe.lossOptions);
  const environment = { node: process.version, platform: `${process.platform}-${process.arch}`, backend };
  const checkpoint = resume ? await loadCheckpoint(runFiles(folder).checkpoint) : undefined;
  if (!resume) await createRunFolder(folder, recipe, environment);

  const run = new TrainingRun(recipe, folder, trainFaces, valFaces, stepsPerEpoch);
  try {
    await run.prepare(loss, checkpoint);
    yield {
      type: "start",
      recipe,
      folder,
      backend: { name: backend.name, threads: backend.threads, description: backend.description },
      trainCount: trainFaces.length,
      valCount: valFaces.length,
      skipped: skippedCount(trainFaces) + skippedCount(valFaces),
      parameterCount: run.model.countParams(),
      stepsPerEpoch,
      ...(checkpoint && { resumedFrom: { epoch: checkpoint.epoch + 1, batch: checkpoint.batch } }),
    };
    const result = yield* run.epochs(signal);
    yield { type: "end", result };
    return result;
  } finally {
    run.dispose();
  }
}

const skippedCount = (faces: FaceDataset) => (faces as { skipped?: number }).skipped ?? 0;

async function resumedRecipe(folder: string, input: RecipeInput | undefined): Promise<Recipe> {
  if (!existsSync(runFiles(folder).checkpoint)) {
    throw new InvalidArgumentError(
      `train: nothing to resume in "${folder}": it holds no checkpoint. Start without --resume.`,
    );
  }
  const recipe = await readRecipe(folder);
  if (input === undefined) return recipe;
  const asked = parseRecipe({ ...recipe, ...input });
  const changed = (Object.keys(asked) as (keyof Recipe)[]).filter(
    (key) => JSON.stringify(asked[key]) !== JSON.stringify(recipe[key]),
  );
  if (changed.length > 0) {
    throw new InvalidArgumentError(
      `train: a run resumes with its own recipe; these fields differ from ${runFiles(folder).recipe}: ${changed.join(", ")}.`,
    );
  }
  return recipe;
}

/** The state of one run; owns the model, the optimizer and their tensors. */
class TrainingRun {
  model!: LayersModel;
  private head!: HeadTraining;
  /** What is trained: the landmarks, and what the head's own loss reads. */
  private fused!: LayersModel;
  /** The landmarks alone. */
  private predictor!: LayersModel;
  private optimizer!: FusedAdam;
  private loss!: Loss;
  private shapeModel: PointModel | undefined;
  private loader!: Loader;
  private history: EpochMetrics[] = [];
  private best: TrainResult["best"];
  private step = 0;
  private start = { epoch: 0, batch: 0, lossSum: 0 };

  constructor(
    private readonly recipe: Recipe,
    private readonly folder: string,
    private readonly trainFaces: FaceDataset,
    private readonly valFaces: FaceDataset,
    private readonly stepsPerEpoch: number,
  ) {}

  async prepare(loss: Loss, checkpoint: Checkpoint | undefined): Promise<void> {
    const { recipe, folder } = this;
    this.loss = loss;
    this.loader = createLoader(this.trainFaces, {
      batchSize: recipe.batchSize,
      imageSize: recipe.imageSize,
      augment: AUGMENTATIONS[recipe.augmentation](),
      seed: recipe.seed,
    });
    const shapeModel = fitShapeModel(await this.loader.shapes(), {
      scheme: this.trainFaces.scheme,
      augmentation: AUGMENTATIONS[recipe.augmentation](),
      seed: recipe.seed,
    });
    if (loss.needsDifficulty) {
      this.shapeModel = shapeModel;
      await writeFileAtomically(runFiles(folder).shapeModel, [JSON.stringify(shapeModel.toJSON())]);
    }
    this.model = recipe.init
      ? await loadModel(runFiles(recipe.init).model)
      : createLandmarkModel({
          backbone: recipe.backbone,
          landmarkCount: this.trainFaces.scheme.landmarkCount,
          imageSize: recipe.imageSize,
          dropout: recipe.dropout,
          // Checked there: it knows the valid names.
          head: recipe.head as LandmarkModelOptions["head"],
          meanShape: shapeModel.mean,
          seed: recipe.seed,
        });
    this.head = createHeadTraining(this.model);
    this.fused = optimizeForTraining(this.head.model);
    this.predictor = this.head.model === this.model ? this.fused : optimizeForTraining(this.model);
    const { name: _, ...adam } = recipe.optimizer;
    this.optimizer = new FusedAdam({ ...adam, learningRate: recipe.learningRate });
    if (checkpoint) await this.restore(checkpoint);
  }

  /** Runs the epochs that are left. */
  async *epochs(signal: AbortSignal | undefined): AsyncGenerator<TrainEvent, TrainResult> {
    const { recipe, folder, stepsPerEpoch } = this;
    const totalSteps = recipe.epochs * stepsPerEpoch;
    const started = performance.now();
    const stepsAtStart = this.step;
    for (let epoch = this.start.epoch; epoch < recipe.epochs; epoch++) {
      const modes = this.modesAt(epoch);
      const first = epoch === this.start.epoch ? this.start : { batch: 0, lossSum: 0 };
      let lossSum = first.lossSum;
      let batch = first.batch;
      let waited = 0;
      const epochStarted = performance.now();
      let asked = epochStarted;
      for await (const { images, landmarks } of this.loader.epoch(epoch, { firstBatch: first.batch })) {
        waited += performance.now() - asked;
        const learningRate = learningRateAt(recipe, this.step, totalSteps);
        const value = this.trainStep(images, landmarks, learningRate, modes);
        if (!Number.isFinite(value)) {
          throw new InvalidArgumentError(
            `train: the loss became ${value} at epoch ${epoch + 1}, batch ${batch + 1}. Try a smaller learning rate or clipNorm; the last checkpoint is intact.`,
          );
        }
        lossSum += value;
        batch++;
        this.step++;
        const now = performance.now();
        const stepsDone = this.step - stepsAtStart;
        yield {
          type: "step",
          epoch: epoch + 1,
          batch,
          batchCount: stepsPerEpoch,
          loss: lossSum / batch,
          imagesPerSecond: ((batch - first.batch) * recipe.batchSize * 1000) / (now - epochStarted),
          secondsLeft: (((now - started) / stepsDone) * (totalSteps - this.step)) / 1000,
        };
        // The event loop must turn once a step, or signals would never arrive.
        await new Promise((resolve) => setImmediate(resolve));
        if (signal?.aborted && batch < stepsPerEpoch) {
          await this.save({ epoch, batch, lossSum });
          yield { type: "interrupted", checkpoint: runFiles(folder).checkpoint, epoch: epoch + 1, batch };
          return this.result(false);
        }
        asked = performance.now();
      }
      const trainSeconds = (performance.now() - epochStarted) / 1000;
      const { nmePercent, failureRatePercent, auc } = (await evaluateModel(this.predictor, this.valFaces, recipe))
        .metrics;
      const isBest = this.best === undefined || nmePercent < this.best.nmePercent;
      if (isBest) {
        this.best = { epoch: epoch + 1, nmePercent };
        await saveModel(this.model, runFiles(folder).model);
      }
      const metrics: EpochMetrics = {
        epoch: epoch + 1,
        trainLoss: lossSum / batch,
        nmePercent,
        failureRatePercent,
        auc,
        learningRate: learningRateAt(recipe, this.step - 1, totalSteps),
        ...(modes !== undefined && { modes }),
        imagesPerSecond: ((batch - first.batch) * recipe.batchSize) / trainSeconds,
        waitPercent: waited / trainSeconds / 10,
        seconds: (performance.now() - started) / 1000,
        tensorCount: memory().numTensors,
      };
      this.history.push(metrics);
      await appendHistory(folder, metrics);
      await this.save({ epoch: epoch + 1, batch: 0, lossSum: 0 });
      yield { type: "epoch", epochCount: recipe.epochs, isBest, ...metrics };
      if (signal?.aborted && epoch + 1 < recipe.epochs) {
        yield { type: "interrupted", checkpoint: runFiles(folder).checkpoint, epoch: epoch + 2, batch: 0 };
        return this.result(false);
      }
    }
    return this.result(true);
  }

  dispose(): void {
    this.optimizer?.dispose();
    this.model?.dispose();
  }

  private result(finished: boolean): TrainResult {
    return { folder: this.folder, finished, history: this.history, ...(this.best && { best: this.best }) };
  }

  /** Modes of the smooth face in an epoch, or `undefined` where the loss needs no difficulty. */
  private modesAt(epoch: number): number | undefined {
    if (!this.shapeModel) return undefined;
    const { by, schedule } = this.recipe.difficulty;
    return this.shapeModel.modeCount({ by, fraction: stageAt(schedule, epoch, this.recipe.epochs).fraction });
  }

  /** One optimizer step; the mean loss of the batch. */
  private trainStep(
    images: Uint8Array,
    landmarks: Float32Array,
    learningRate: number,
    modes: number | undefined,
  ): number {
    const { imageSize } = this.recipe;
    const batchSize = this.recipe.batchSize;
    return tidy(() => {
      const x = tensor4d(new Float32Array(images), [batchSize, imageSize, imageSize, 3]);
      const y = tensor3d(landmarks, [batchSize, landmarks.length / 2 / batchSize, 2]);
      const difficulty =
        this.shapeModel && difficultyTensor(this.shapeModel, y, { modes: modes!, unit: this.recipe.difficulty.unit });
      const variables = modelVariables(this.model).trainable;
      const { value, grads } = variableGrads(
        () =>
          this.head.loss(
            this.fused.apply(x, { training: true }) as Tensor | Tensor[],
            y,
            (predictions, targets) => this.loss(predictions, targets, difficulty ? { difficulty } : {}) as Scalar,
          ),
        variables,
      );
      this.optimizer.applyGradients(grads, { learningRate });
      return value.dataSync()[0]!;
    });
  }

  private async save({ epoch, batch, lossSum }: { epoch: number; batch: number; lossSum: number }): Promise<void> {
    const arrays: Record<string, Float32Array> = {};
    const names = new Map<string, string>();
    for (const [name, variable] of modelVariables(this.model).all) {
      arrays[`weight/${name}`] = (await variable.data()) as Float32Array;
      names.set(variable.name, name);
    }
    const optimizer = this.optimizer.getState();
    for (const [variableName, { m, v }] of Object.entries(optimizer.slots)) {
      // Variable names are numbered within a process, so slots are filed under the weight's own name.
      const name = names.get(variableName)!;
      arrays[`m/${name}`] = m;
      arrays[`v/${name}`] = v;
    }
    await saveCheckpoint(runFiles(this.folder).checkpoint, {
      epoch,
      batch,
      lossSum,
      step: this.step,
      optimizerStep: optimizer.step,
      best: this.best,
      arrays,
    });
  }

  private async restore(checkpoint: Checkpoint): Promise<void> {
    const { arrays } = checkpoint;
    const slots: Record<string, { m: Float32Array; v: Float32Array }> = {};
    for (const [name, variable] of modelVariables(this.model).all) {
      const weight = arrays[`weight/${name}`];
      if (weight?.length !== variable.size) {
        throw new InvalidArgumentError(
          `train: the checkpoint does not fit the recipe: weight ${name} has ${weight?.length ?? "no"} values, expected ${variable.size}.`,
        );
      }
      tidy(() => variable.assign(tensor(weight, variable.shape)));
      const m = arrays[`m/${name}`];
      const v = arrays[`v/${name}`];
      if (m && v) slots[variable.name] = { m, v };
    }
    this.optimizer.setState({ step: checkpoint.optimizerStep, slots });
    this.step = checkpoint.step;
    this.best = checkpoint.best;
    this.start = { epoch: checkpoint.epoch, batch: checkpoint.batch, lossSum: checkpoint.lossSum };
    this.history = (await readHistory(this.folder)).filter(({ epoch }) => epoch <= checkpoint.epoch);
    await writeHistory(this.folder, this.history);
  }
}
