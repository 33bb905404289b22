import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defaultAugmentation, paperAugmentation, strongAugmentation } from "@acr/augment";
import { createHeadTraining, type HeadTraining, learningRateScales } from "@acr/backbones";
import { type Augmentation, DataFormatError, DivergenceError, type FaceDataset, InvalidArgumentError } from "@acr/core";
import { makeFolder } from "@acr/core/node";
import { type Batch, createFaceCache, createLoader, type DataFault, type FaceCache, type Loader } from "@acr/datasets";
import { optimizeForTraining } from "@acr/kernels";
import type { Loss } from "@acr/loss";
import { createDifficultyTensor, type DifficultyTensor, type PointModel, stageAt } from "@acr/shape-model";
import {
  dispose,
  memory,
  type NamedTensorMap,
  type Scalar,
  type Tensor,
  type Tensor4D,
  tensor3d,
  tidy,
  variableGrads,
} from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { type Checkpoint, saveCheckpoint } from "../checkpoint.js";
import type { TrainingOptimizer } from "../create-optimizer.js";
import { evaluateModel, isOfFiles } from "../evaluate-model.js";
import { fitShapeModel } from "../fit-shape-model.js";
import { learningRateAt } from "../learning-rate-at.js";
import type { Recipe } from "../recipe.js";
import { runFiles, writeHistory } from "../run-folder.js";
import { saveModel } from "../save-model.js";
import type { EpochMetrics, TrainEvent, TrainResult } from "../train-event.js";
import { createGroupedOptimizer } from "./create-grouped-optimizer.js";
import { drawPredictions } from "./draw-predictions.js";
import { encodePng } from "./encode-png.js";
import { GatheredGradients } from "./gathered-gradients.js";
import { modelVariables } from "./model-variables.js";
import { readShapeModel } from "./read-shape-model.js";
import { RunLog } from "./run-log.js";
import { saveFailedBatch } from "./save-failed-batch.js";
import { smoothLabels } from "./smooth-labels.js";
import { startModel } from "./start-model.js";
import { RESUME_HINT } from "./storage-fault.js";
import { readTrainedState, restoreTrainedState } from "./trained-state.js";
import { uploadedBatches } from "./uploaded-batches.js";
import { WeightAverage } from "./weight-average.js";
import { writeFileAtomically } from "./write-file-atomically.js";

const AUGMENTATIONS: Record<Recipe["augmentation"], () => Augmentation | undefined> = {
  default: () => defaultAugmentation(),
  paper: () => paperAugmentation(),
  strong: () => strongAugmentation(),
  none: () => undefined,
};

/** Where an epoch goes on. */
interface Position {
  epoch: number;
  batch: number;
  lossSum: number;
}

/** What a run is made of. */
interface RunParts {
  recipe: Recipe;
  folder: string;
  trainFaces: FaceDataset;
  valFaces: FaceDataset;
  loss: Loss;
  /** Threads of the backend. */
  threads: number;
  /** Whether the device makes the last changes to the pixels, and takes a batch while it computes on another. */
  pixelsOnDevice: boolean;
}

/** The state of one run; owns model, optimizer, averages and their tensors. */
export class TrainingRun {
  readonly stepsPerEpoch: number;
  model!: LayersModel;
  private head!: HeadTraining;
  /** What is trained: the landmarks, and what the head's own loss reads. */
  private fused!: LayersModel;
  /** The landmarks alone. */
  private predictor!: LayersModel;
  private optimizer!: TrainingOptimizer;
  private average: WeightAverage | undefined;
  private shapeModel!: PointModel;
  private difficulty: DifficultyTensor | undefined;
  private loader!: Loader;
  /** Validation crops: read in the first epoch, the same in all others. */
  private valCache: FaceCache | undefined;
  private log: RunLog | undefined;
  /** Left out since they were last told. */
  private readonly faults: DataFault[] = [];
  private history: EpochMetrics[] = [];
  private best: TrainResult["best"];
  private step = 0;
  /** Batches of the run so far. */
  private batchesSeen = 0;
  private start: Position = { epoch: 0, batch: 0, lossSum: 0 };
  /** Seconds of earlier goes. */
  private secondsBefore = 0;

  constructor(private readonly parts: RunParts) {
    const { recipe, trainFaces } = parts;
    this.stepsPerEpoch = Math.floor(trainFaces.length / recipe.batchSize);
  }

  async prepare(checkpoint: Checkpoint | undefined): Promise<void> {
    const { recipe, folder, trainFaces, loss, threads, pixelsOnDevice } = this.parts;
    const { scheme } = trainFaces;
    const augmentation = AUGMENTATIONS[recipe.augmentation]();
    this.loader = createLoader(trainFaces, {
      batchSize: recipe.batchSize,
      imageSize: recipe.imageSize,
      augment: augmentation,
      deferPixels: pixelsOnDevice,
      seed: recipe.seed,
      // Threads beside an engine that fills all cores hold it up for longer than the work itself takes; the batches
      // are the same.
      ...(threads >= availableParallelism() && { workers: 0 }),
      skipFaulty: recipe.skipFaulty,
      onFault: (fault) => this.faults.push(fault),
    });
    const { valFaces } = this.parts;
    if (isOfFiles(valFaces)) this.valCache = createFaceCache(valFaces, { imageSize: recipe.imageSize, extent: "crop" });
    const ownShapeModel = runFiles(folder).shapeModel;
    // A run that goes on keeps the shape model it began with: the recipe's file may be gone or another by now.
    const shapeModelFile = checkpoint && existsSync(ownShapeModel) ? ownShapeModel : recipe.difficulty.shapeModel;
    this.shapeModel = shapeModelFile
      ? await readFittingModel(shapeModelFile, scheme.landmarkCount)
      : fitShapeModel(await this.loader.shapes(), { scheme, augmentation, seed: recipe.seed });
    if (loss.needsDifficulty)
      this.difficulty = createDifficultyTensor(this.shapeModel, { unit: recipe.difficulty.unit });
    if ((loss.needsDifficulty || recipe.labelSmoothing.amount > 0) && shapeModelFile !== ownShapeModel)
      await writeFileAtomically(ownShapeModel, [JSON.stringify(this.shapeModel.toJSON())]);
    this.model = await startModel(recipe, {
      scheme,
      meanShape: this.shapeModel.mean,
      isResumed: checkpoint !== undefined,
    });
    this.head = createHeadTraining(this.model);
    this.fused = optimizeForTraining(this.head.model);
    this.predictor = this.head.model === this.model ? this.fused : optimizeForTraining(this.model);
    this.optimizer = createGroupedOptimizer(
      { ...recipe.optimizer, learningRate: recipe.learningRate },
      learningRateScales(this.model, recipe.learningRates),
    );
    if (recipe.ema) this.average = new WeightAverage(modelVariables(this.model).all, recipe.ema.decay);
    if (checkpoint) await this.restore(checkpoint);
    const { epoch, batch } = this.start;
    this.log = await RunLog.open(folder, recipe, checkpoint && epoch * this.stepsPerEpoch + batch);
  }

  /** Runs the epochs that are left. */
  async *epochs(signal: AbortSignal | undefined): AsyncGenerator<TrainEvent, TrainResult> {
    const { recipe } = this.parts;
    let shownModes: number | undefined;
    for (let epoch = this.start.epoch; epoch < recipe.epochs; epoch++) {
      const early = this.earlyStop();
      if (early) {
        yield early;
        return this.result(true);
      }
      const modes = this.modesAt(epoch);
      if (modes !== undefined && modes !== shownModes) {
        shownModes = modes;
        const { fraction } = stageAt(recipe.difficulty.schedule, epoch, recipe.epochs);
        yield { type: "stage", epoch: epoch + 1, modes, modeCount: this.shapeModel.eigenvalues.length, fraction };
      }
      const position = epoch === this.start.epoch ? this.start : { epoch, batch: 0, lossSum: 0 };
      if (!(yield* this.epoch(position, modes, signal))) return this.result(false);
      if (signal?.aborted && epoch + 1 < recipe.epochs && !this.earlyStop()) {
        yield this.interrupted({ epoch: epoch + 1, batch: 0, lossSum: 0 });
        return this.result(false);
      }
    }
    return this.result(true);
  }

  /** Releases everything. `status` is what TensorBoard shows of the run. */
  async close(status: "success" | "failure"): Promise<void> {
    this.optimizer?.dispose();
    this.average?.dispose();
    this.difficulty?.dispose();
    this.model?.dispose();
    await this.loader?.close();
    await this.valCache?.close();
    await this.log?.close(status);
  }

  /** One epoch from a position on, with validation and checkpoint; false when the signal stopped it. */
  private async *epoch(
    position: Position,
    modes: number | undefined,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<TrainEvent, boolean> {
    const { recipe, folder, pixelsOnDevice } = this.parts;
    const { stepsPerEpoch } = this;
    const { epoch } = position;
    const batchesLeftAtStart = recipe.epochs * stepsPerEpoch - (epoch * stepsPerEpoch + position.batch);
    const started = performance.now();
    let { batch, lossSum } = position;
    let waited = 0;
    let learningRate = 0;
    const gradients = new GatheredGradients();
    let asked = started;
    const batches = this.loader.epoch(epoch, { firstBatch: batch });
    try {
      for await (const { batch: faces, pictures } of uploadedBatches(batches, { ahead: pixelsOnDevice })) {
        waited += performance.now() - asked;
        yield* this.told(epoch, "train");
        // More than one where all faces of the batches before were left out.
        const passed = faces.index + 1 - batch;
        learningRate = this.learningRate(epoch);
        const { loss, grads } = await this.lossAndGradients(faces, pictures, modes);
        gradients.add(grads);
        if (!Number.isFinite(loss)) await this.diverged(faces, { epoch, batch, loss, learningRate });
        batch += passed;
        lossSum += loss * passed;
        if (gradients.count === recipe.accumulate || batch === stepsPerEpoch) this.update(gradients, learningRate);
        this.log!.step(epoch * stepsPerEpoch + batch, loss, learningRate);
        const now = performance.now();
        const done = batch - position.batch;
        yield {
          type: "step",
          epoch: epoch + 1,
          batch,
          batchCount: stepsPerEpoch,
          loss: lossSum / batch,
          imagesPerSecond: (done * recipe.batchSize * 1000) / (now - started),
          waitPercent: (100 * waited) / (now - started),
          secondsLeft: ((now - started) / done / 1000) * (batchesLeftAtStart - done),
          memoryMb: process.memoryUsage.rss() / 1e6,
        };
        // The event loop must turn once a step, or signals would never arrive.
        await new Promise((resolve) => setImmediate(resolve));
        if (gradients.count === 0 && batch < stepsPerEpoch) {
          const here = { epoch, batch, lossSum };
          const isDue = recipe.checkpointSteps !== undefined && batch % recipe.checkpointSteps < recipe.accumulate;
          if (signal?.aborted || isDue) yield await this.save(here, started);
          if (signal?.aborted) {
            yield this.interrupted(here);
            return false;
          }
        }
        asked = performance.now();
      }
      yield* this.told(epoch, "train");
      if (batch === 0)
        throw new DataFormatError("not one face of the epoch can be read.", { file: recipe.root ?? recipe.dataset });
      // Where the last batch was left out.
      if (gradients.count > 0) this.update(gradients, learningRate);
    } finally {
      // Gathered, and not used: a consumer that breaks off, a fault.
      gradients.dispose();
    }
    const trainSeconds = (performance.now() - started) / 1000;
    yield* this.validate({
      epoch: epoch + 1,
      trainLoss: lossSum / batch,
      learningRate,
      ...(modes !== undefined && { modes }),
      imagesPerSecond: ((batch - position.batch) * recipe.batchSize) / trainSeconds,
      waitPercent: waited / trainSeconds / 10,
      started,
    });
    // Before the checkpoint, which holds the history too: a crash in between repeats the epoch and writes the same again.
    await writeHistory(folder, this.history);
    yield await this.save({ epoch: epoch + 1, batch: 0, lossSum: 0 });
    return true;
  }

  /** The faces that were left out since the last call. */
  private *told(epoch: number, stage: "train" | "validation"): Generator<TrainEvent> {
    for (const { file, message } of this.faults.splice(0))
      yield { type: "fault", epoch: epoch + 1, stage, file, message };
  }

  private async *validate(
    training: Omit<EpochMetrics, "nmePercent" | "failureRatePercent" | "auc" | "seconds" | "tensorCount"> & {
      started: number;
    },
  ): AsyncGenerator<TrainEvent> {
    const { recipe, folder, valFaces } = this.parts;
    const { started, ...rest } = training;
    const batches = rest.epoch * this.stepsPerEpoch;
    let samples: string | undefined;
    const look = async () => {
      const { nmePercent, failureRatePercent, auc } = (
        await evaluateModel(this.predictor, valFaces, {
          ...recipe,
          resamples: 0,
          cache: this.valCache,
          onFault: (fault) => this.faults.push(fault),
        })
      ).metrics;
      const isBest = this.best === undefined || nmePercent < this.best.nmePercent;
      if (isBest) {
        this.best = { epoch: rest.epoch, nmePercent };
        await saveModel(this.model, runFiles(folder).model);
      }
      const { samplesEvery } = recipe.logs;
      if (samplesEvery > 0 && rest.epoch % samplesEvery === 0) samples = await this.drawSamples(rest.epoch, batches);
      return { nmePercent, failureRatePercent, auc, isBest };
    };
    const { isBest, ...scores } = this.average ? await this.average.swapped(look) : await look();
    yield* this.told(rest.epoch - 1, "validation");
    const metrics: EpochMetrics = {
      ...rest,
      ...scores,
      seconds: this.secondsBefore + (performance.now() - started) / 1000,
      tensorCount: memory().numTensors,
    };
    this.secondsBefore = metrics.seconds;
    this.history.push(metrics);
    await this.log!.epoch(batches, metrics, modelVariables(this.model).all);
    yield { type: "epoch", epochCount: recipe.epochs, isBest, ...metrics };
    if (samples !== undefined) yield { type: "samples", epoch: rest.epoch, path: samples };
  }

  /** The first validation faces with their predictions, as a picture. */
  private async drawSamples(epoch: number, batches: number): Promise<string> {
    const { recipe, folder, valFaces } = this.parts;
    const picture = await drawPredictions(this.predictor, valFaces, {
      count: recipe.logs.sampleCount,
      imageSize: recipe.imageSize,
      skipFaulty: recipe.skipFaulty,
      cache: this.valCache,
    });
    const png = encodePng(picture);
    const target = runFiles(folder).samples;
    await makeFolder(target, { hint: RESUME_HINT });
    const path = join(target, `epoch-${String(epoch).padStart(4, "0")}.png`);
    await writeFileAtomically(path, [png]);
    this.log!.samples(batches, png, picture);
    return path;
  }

  /** Loss and gradients of a batch; the caller owns the gradients. */
  private async lossAndGradients(
    { landmarks, size }: Batch,
    pictures: Tensor4D,
    modes: number | undefined,
  ): Promise<{ loss: number; grads: NamedTensorMap }> {
    const { recipe, loss, pixelsOnDevice } = this.parts;
    const { labelSmoothing } = recipe;
    const { trainable } = modelVariables(this.model);
    // Masks of dropout depend on the step alone, so that a resumed run draws the same ones.
    for (const layer of this.model.layers as Partial<Stepped>[]) layer.setStep?.(this.batchesSeen);
    this.batchesSeen++;
    const { value, grads } = tidy(() => {
      const labels = tensor3d(landmarks, [size, landmarks.length / 2 / size, 2]);
      const y = labelSmoothing.amount > 0 ? smoothLabels(this.shapeModel, landmarks, labelSmoothing) : labels;
      const difficulty = this.difficulty?.compute(labels, { modes: modes! });
      return variableGrads(
        () =>
          this.head.loss(
            this.fused.apply(pictures, { training: true }) as Tensor | Tensor[],
            y,
            (predictions, targets) => loss(predictions, targets, difficulty ? { difficulty } : {}) as Scalar,
          ),
        trainable,
      );
    });
    try {
      // What threads have finished is sent now, behind the step: tensorflow's read holds up everything else.
      if (pixelsOnDevice) await new Promise((resolve) => setImmediate(resolve));
      // The one read of a step, and no blocking one: webgpu has none.
      return { loss: (await value.data())[0]!, grads };
    } catch (error) {
      dispose(grads);
      throw error;
    } finally {
      value.dispose();
    }
  }

  private update(gradients: GatheredGradients, learningRate: number): void {
    gradients.use((means) => this.optimizer.applyGradients(means, { learningRate }));
    this.average?.update(this.step);
    this.step++;
  }

  private learningRate(epoch: number): number {
    const { recipe } = this.parts;
    const totalSteps = recipe.epochs * Math.ceil(this.stepsPerEpoch / recipe.accumulate);
    return learningRateAt(recipe, { step: this.step, totalSteps, epoch, history: this.history });
  }

  /** Modes of the smooth face in an epoch, or `undefined` where the loss needs no difficulty. */
  private modesAt(epoch: number): number | undefined {
    if (!this.difficulty) return undefined;
    const { recipe } = this.parts;
    const { by, schedule } = recipe.difficulty;
    return this.shapeModel.modeCount({ by, fraction: stageAt(schedule, epoch, recipe.epochs).fraction });
  }

  /** The event that ends the run when the validation NME has stood still for too long. */
  private earlyStop(): Extract<TrainEvent, { type: "early-stop" }> | undefined {
    const { earlyStop } = this.parts.recipe;
    if (!earlyStop || !this.best) return undefined;
    let reference = Number.POSITIVE_INFINITY;
    let improvedAt = 0;
    for (const { epoch, nmePercent } of this.history) {
      if (nmePercent < reference - earlyStop.minImprovement) {
        reference = nmePercent;
        improvedAt = epoch;
      }
    }
    const epoch = this.history.at(-1)?.epoch ?? 0;
    return epoch - improvedAt >= earlyStop.patience ? { type: "early-stop", epoch, best: this.best } : undefined;
  }

  private async diverged(
    faces: Batch,
    { epoch, batch, loss, learningRate }: { epoch: number; batch: number; loss: number; learningRate: number },
  ): Promise<never> {
    const { folder } = this.parts;
    const at = { epoch: epoch + 1, batch: batch + 1, loss: String(loss), learningRate };
    const saved = await saveFailedBatch(folder, faces, at);
    throw new DivergenceError(
      `train: the loss became ${loss} at epoch ${at.epoch}, batch ${at.batch} (learning rate ${learningRate.toPrecision(3)}). Its faces and labels are in ${saved}: look for labels far outside the crop. Else start anew with a smaller learningRate, optimizer.clipNorm 1, or more warmupSteps; the checkpoint before it is intact.`,
    );
  }

  private interrupted({ epoch, batch }: Position): TrainEvent {
    return { type: "interrupted", checkpoint: runFiles(this.parts.folder).checkpoint, epoch: epoch + 1, batch };
  }

  private result(finished: boolean): TrainResult {
    return { folder: this.parts.folder, finished, history: this.history, ...(this.best && { best: this.best }) };
  }

  private async save(position: Position, epochStarted?: number): Promise<TrainEvent> {
    const { recipe, folder, trainFaces, valFaces } = this.parts;
    const trained = await readTrainedState(this.trained());
    const { checkpoint, previousCheckpoint } = runFiles(folder);
    const spent = epochStarted === undefined ? 0 : (performance.now() - epochStarted) / 1000;
    const modes = position.epoch < recipe.epochs ? this.modesAt(position.epoch) : undefined;
    await saveCheckpoint(
      checkpoint,
      {
        ...position,
        step: this.step,
        best: this.best,
        history: this.history,
        random: { seed: recipe.seed, epoch: position.epoch, step: this.batchesSeen },
        modes,
        recipe,
        faceCounts: { train: trainFaces.length, val: valFaces.length },
        seconds: this.secondsBefore + spent,
        ...trained,
      },
      { previousPath: previousCheckpoint },
    );
    return { type: "checkpoint", path: checkpoint, epoch: position.epoch + 1, batch: position.batch };
  }

  private trained() {
    const { model, optimizer, average } = this;
    return { model, optimizer, average };
  }

  private async restore(checkpoint: Checkpoint): Promise<void> {
    restoreTrainedState(this.trained(), checkpoint);
    this.step = checkpoint.step;
    this.batchesSeen = checkpoint.random.step;
    this.best = checkpoint.best;
    this.history = checkpoint.history;
    this.secondsBefore = checkpoint.seconds;
    this.start = { epoch: checkpoint.epoch, batch: checkpoint.batch, lossSum: checkpoint.lossSum };
    await writeHistory(this.parts.folder, this.history);
  }
}

/** A layer whose random numbers follow the step. */
interface Stepped {
  setStep(step: number): void;
}

/** A shape model with as many landmarks as the faces have. */
async function readFittingModel(file: string, landmarkCount: number): Promise<PointModel> {
  const model = await readShapeModel(file);
  if (model.landmarkCount !== landmarkCount)
    throw new InvalidArgumentError(
      `train: difficulty.shapeModel: "${file}" has ${model.landmarkCount} landmarks; the data set has ${landmarkCount}.`,
    );
  return model;
}
