import type { SweepTrial } from "./sweep-plan.js";

/** How far a trial got in one go. */
export interface TrialOutcome {
  /** Best validation NME so far in percent: what trials are ranked by. */
  nmePercent: number;
  bestEpoch: number;
  /** Epochs done. */
  epochs: number;
  /** Training time so far, all goes together. */
  seconds: number;
  /** Validation NME of the last epoch, in percent. */
  lastNmePercent?: number;
  failureRatePercent?: number;
  auc?: number;
}

/** Where a trial in progress is. */
export interface TrialProgress {
  /** Name of the machine and process that runs it. */
  worker: string;
  /** One-based. */
  epoch: number;
  /** Up to which it runs this time. */
  epochs: number;
  /** Mean training loss of the epoch so far. */
  loss: number;
  /** Validation NME in percent, once an epoch. */
  nmePercent?: number;
  imagesPerSecond?: number;
}

/** The lasting record of a trial: one JSON file each. */
export interface TrialResult extends Partial<TrialOutcome> {
  formatVersion: 1;
  index: number;
  id: string;
  name: string;
  seed: number;
  values: Record<string, unknown>;
  /** `paused`: waits at a rung; `pruned`: lost at a rung; `failed`: threw, see `error`. */
  status: "finished" | "paused" | "pruned" | "failed";
  error?: string;
  /** Starts that it took, 1 where nothing went wrong. */
  attempts: number;
  /** Name of the machine and process that ran it. */
  worker: string;
  finishedAt: string;
}

/** What `sweep` reports while it works. */
export type SweepEvent =
  | { type: "start"; folder: string; trials: SweepTrial[]; done: TrialResult[] }
  | { type: "trial-start"; trial: SweepTrial; untilEpoch: number }
  | { type: "trial-progress"; trial: SweepTrial; progress: TrialProgress }
  /** `doneCount` trials are over: one that waits at a rung is not. */
  | { type: "trial-end"; trial: SweepTrial; result: TrialResult; doneCount: number; trialCount: number }
  | { type: "rung"; epochs: number; kept: string[]; pruned: string[] }
  | { type: "interrupted"; folder: string }
  | { type: "end"; results: TrialResult[] };
