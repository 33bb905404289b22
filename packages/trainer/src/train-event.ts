import type { Recipe } from "./recipe.js";

/** One line of `metrics.jsonl`. */
export interface EpochMetrics {
  /** One-based. */
  epoch: number;
  /** Mean training loss of the epoch. */
  trainLoss: number;
  /** Validation NME, failure rate in percent, AUC in [0, 1]. */
  nmePercent: number;
  failureRatePercent: number;
  auc: number;
  /** Learning rate of the last step. */
  learningRate: number;
  /** Modes of the smooth face in this epoch; absent where the loss needs none. */
  modes?: number;
  imagesPerSecond: number;
  /** Share of the epoch spent waiting for data, in percent. */
  waitPercent: number;
  /** Seconds since the start of the run, earlier sessions not counted. */
  seconds: number;
  /** Live tensors after the epoch: constant, or something leaks. */
  tensorCount: number;
}

/** What `train` reports while it works. */
export type TrainEvent =
  | {
      type: "start";
      recipe: Recipe;
      folder: string;
      backend: BackendSummary;
      trainCount: number;
      valCount: number;
      skipped: number;
      parameterCount: number;
      stepsPerEpoch: number;
      resumedFrom?: { epoch: number; batch: number };
    }
  | {
      type: "step";
      epoch: number;
      batch: number;
      batchCount: number;
      loss: number;
      imagesPerSecond: number;
      secondsLeft: number;
    }
  | ({ type: "epoch"; epochCount: number; isBest: boolean } & EpochMetrics)
  | { type: "interrupted"; checkpoint: string; epoch: number; batch: number }
  | { type: "end"; result: TrainResult };

/** The engine a run used. */
export interface BackendSummary {
  name: string;
  threads: number;
  description: string;
}

/** How a run ended. */
export interface TrainResult {
  folder: string;
  /** False when the run was interrupted and can be resumed. */
  finished: boolean;
  history: EpochMetrics[];
  best?: { epoch: number; nmePercent: number };
}
