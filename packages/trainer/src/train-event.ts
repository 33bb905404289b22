import type { Recipe } from "./recipe.js";
import type { TrainingMemory } from "./training-memory.js";

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
  /** Seconds of training and validation so far, all goes of a resumed run together. */
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
      /** What a step needs and what there is: where it needs more, the run will probably fail. */
      memory: TrainingMemory;
      /** Batches an epoch. */
      stepsPerEpoch: number;
      /** Where a resumed run goes on: one-based epoch, batches of it already done. */
      resumedFrom?: { epoch: number; batch: number; fault?: string };
    }
  | {
      /** A stage of the difficulty begins: the smooth face now has this many modes of all. */
      type: "stage";
      epoch: number;
      modes: number;
      modeCount: number;
      fraction: number;
    }
  | {
      type: "step";
      epoch: number;
      batch: number;
      batchCount: number;
      /** Mean of the epoch so far. */
      loss: number;
      imagesPerSecond: number;
      /** Share of the epoch so far spent waiting for data, in percent. */
      waitPercent: number;
      secondsLeft: number;
      /** Resident memory of the process. */
      memoryMb: number;
    }
  | {
      /** A face was left out because its picture cannot be read (`skipFaulty`); told again in each epoch that meets it. */
      type: "fault";
      epoch: number;
      stage: "train" | "validation";
      file: string;
      message: string;
    }
  | ({ type: "epoch"; epochCount: number; isBest: boolean } & EpochMetrics)
  | { type: "checkpoint"; path: string; epoch: number; batch: number }
  | { type: "samples"; epoch: number; path: string }
  | { type: "early-stop"; epoch: number; best: { epoch: number; nmePercent: number } }
  | { type: "interrupted"; checkpoint: string; epoch: number; batch: number }
  | { type: "end"; result: TrainResult };

/** Functions that are called with each event of their kind, before the iterator yields it. */
export type TrainCallbacks = {
  [T in TrainEvent["type"]]?: (event: Extract<TrainEvent, { type: T }>) => void | Promise<void>;
};

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
