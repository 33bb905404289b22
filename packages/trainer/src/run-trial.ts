import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { runFiles } from "./run-folder.js";
import type { TrialOutcome } from "./sweep-event.js";
import type { SweepTrial } from "./sweep-plan.js";
import { train } from "./train.js";
import type { TrainEvent } from "./train-event.js";

/** What a trial runs with. */
export interface TrialContext {
  /** Its run folder: holds the checkpoint of an earlier go. */
  folder: string;
  /** Stop after this many epochs, ready to go on. */
  untilEpoch: number;
  /** Abort to stop with a checkpoint. */
  signal?: AbortSignal;
  /** Awaited: the run goes on afterwards. */
  onEvent?: (event: TrainEvent) => void | Promise<void>;
}

/** Runs one trial of a sweep; `undefined` when the signal stopped it. */
export type TrialRunner = (trial: SweepTrial, context: TrialContext) => Promise<TrialOutcome | undefined>;

/**
 * Trains a trial of a sweep up to an epoch, from its last checkpoint where there is one.
 *
 * @returns how far it got, or `undefined` when the signal stopped it earlier.
 * @throws what `train` throws.
 * @example await runTrial(trial, { folder: "sweeps/a/trials/0000-l2-s0", untilEpoch: 15 });
 */
export const runTrial: TrialRunner = async (trial, { folder, untilEpoch, signal, onEvent }) => {
  const abort = new AbortController();
  const stop = () => abort.abort();
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop);
  const resume = existsSync(runFiles(folder).checkpoint);
  // Killed before its first checkpoint: nothing to keep.
  if (!resume) await rm(folder, { recursive: true, force: true });
  try {
    const run = train({ recipe: trial.recipe, folder, resume, signal: abort.signal });
    for (;;) {
      const { done, value } = await run.next();
      if (!done) {
        await onEvent?.(value);
        if (value.type === "epoch" && value.epoch >= untilEpoch) stop();
        continue;
      }
      const last = value.history.at(-1);
      if (!value.best || !last || last.epoch < untilEpoch) return undefined;
      const best = value.history.find(({ epoch }) => epoch === value.best!.epoch)!;
      return {
        nmePercent: best.nmePercent,
        bestEpoch: best.epoch,
        epochs: last.epoch,
        seconds: last.seconds,
        lastNmePercent: last.nmePercent,
        failureRatePercent: best.failureRatePercent,
        auc: best.auc,
      };
    }
  } finally {
    signal?.removeEventListener("abort", stop);
  }
};
