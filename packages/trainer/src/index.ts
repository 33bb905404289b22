export { type BenchmarkOptions, type BenchmarkResult, benchmarkStep } from "./benchmark-step.js";
export { type Checkpoint, loadCheckpoint, loadNewestCheckpoint, saveCheckpoint } from "./checkpoint.js";
export { type ClassRepeatsOptions, classRepeats } from "./class-repeats.js";
export { createFolderStore } from "./create-folder-store.js";
export {
  createOptimizer,
  type OptimizerOptions,
  type OptimizerState,
  type TrainingOptimizer,
} from "./create-optimizer.js";
export { createRedisExecutor, type RedisExecutorOptions, type RedisOptions } from "./create-redis-executor.js";
export { createS3Store, type S3StoreOptions } from "./create-s3-store.js";
export { type EvaluateModelOptions, evaluateModel, type ModelEvaluation } from "./evaluate-model.js";
export { fitShapeModel } from "./fit-shape-model.js";
export { halvingRungs } from "./halving-rungs.js";
export { learningRateAt, type TrainingPosition } from "./learning-rate-at.js";
export { loadModel } from "./load-model.js";
export { type LoadRunOptions, loadRun, type Prediction, type Run } from "./load-run.js";
export { type MixedSource, mixedFaces } from "./mixed-faces.js";
export { type DatasetSource, openDataset } from "./open-dataset.js";
export { openStore } from "./open-store.js";
export { overrideRecipe } from "./override-recipe.js";
export { headTurn, type PoseRepeatsOptions, poseRepeats } from "./pose-repeats.js";
export { type PredictCenteredOptions, predictCentered } from "./predict-centered.js";
export { predictCenteredAsync } from "./predict-centered-async.js";
export { parseRecipe, type Recipe, type RecipeInput } from "./recipe.js";
export { recipeJsonSchema } from "./recipe-json-schema.js";
export { readHistory, readRecipe, runFiles } from "./run-folder.js";
export type { RunStore } from "./run-store.js";
export { runSweepWorker, type SweepWorkerOptions } from "./run-sweep-worker.js";
export { runTrial, type TrialContext, type TrialRunner } from "./run-trial.js";
export { saveModel } from "./save-model.js";
export { setRecipeField } from "./set-recipe-field.js";
export { type Spread, summarizeTrials, type TrialSummary } from "./summarize-trials.js";
export {
  createLocalExecutor,
  type LocalExecutorOptions,
  type SweepExecutor,
  type SweepJob,
  type SweepJobEnd,
  type SweepJobEvent,
  type SweepOptions,
  sweep,
} from "./sweep.js";
export type { SweepEvent, TrialOutcome, TrialProgress, TrialResult } from "./sweep-event.js";
export { readSweep, sweepFiles } from "./sweep-folder.js";
export { expandSweep, parseSweepPlan, type SweepPlan, type SweepPlanInput, type SweepTrial } from "./sweep-plan.js";
export { type HyperparameterValue, TensorBoardWriter, type TensorBoardWriterOptions } from "./tensorboard-writer.js";
export { type TrainOptions, train } from "./train.js";
export type { BackendSummary, EpochMetrics, TrainCallbacks, TrainEvent, TrainResult } from "./train-event.js";
export { trainingLimits } from "./training-limits.js";
export { type TrainingMemory, type TrainingMemoryOptions, trainingMemory } from "./training-memory.js";
