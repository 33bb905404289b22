import { hostname } from "node:os";
import { AcrError, InvalidArgumentError } from "@acr/core";
import { halvingRungs } from "./halving-rungs.js";
import { checkFolderName } from "./run-folder.js";
import { runTrial, type TrialRunner } from "./run-trial.js";
import type { SweepEvent, TrialOutcome, TrialProgress, TrialResult } from "./sweep-event.js";
import { openSweepFolder, readSweep, sweepFiles, writeTrialResult } from "./sweep-folder.js";
import { expandSweep, parseSweepPlan, type SweepPlanInput, type SweepTrial } from "./sweep-plan.js";
import type { TrainEvent } from "./train-event.js";

/** A trial that is to run up to an epoch. */
export interface SweepJob {
  trial: SweepTrial;
  untilEpoch: number;
}

/** A job that begins, is under way, or ended with an outcome or an error. */
export type SweepJobEvent =
  | { type: "start"; job: SweepJob }
  | { type: "progress"; job: SweepJob; progress: TrialProgress }
  | SweepJobEnd;

/** The end of a job. */
export interface SweepJobEnd {
  type: "end";
  job: SweepJob;
  outcome?: TrialOutcome;
  error?: string;
  attempts: number;
  worker: string;
}

/** What runs the jobs of a sweep: this process, or workers elsewhere. */
export interface SweepExecutor {
  /** Yields start and end of each job as they come, in any order; returns early when the signal stops it. */
  run(jobs: readonly SweepJob[], context: { folder: string; signal?: AbortSignal }): AsyncGenerator<SweepJobEvent>;
}

/** Options of `sweep`. */
export interface SweepOptions {
  plan: SweepPlanInput;
  /** Where results and runs go. A folder with results of the same plan is continued. */
  folder: string;
  /** Abort to stop after the step in progress; the same call goes on later. */
  signal?: AbortSignal;
  /** Default: one trial after the other in this process. `createRedisExecutor` gives the distributed one. */
  executor?: SweepExecutor;
  /** Events of the trial in progress, of the default executor. */
  onTrainEvent?: (event: TrainEvent, trial: SweepTrial) => void;
}

/**
 * Runs a sweep: trains every trial of a plan, ranks them by validation NME, and with `halving` drops all but the best
 * after each rung (synchronous successive halving, Jamieson and Talwalkar 2016, arXiv:1502.07943). Results do not depend
 * on who runs the trials or in which order. A trial that fails is recorded and the sweep goes on.
 *
 * @throws {InvalidArgumentError} the plan or a recipe in it is wrong, or the folder holds another plan.
 * @example
 * for await (const event of sweep({ plan: { parameters: { loss: ["l2", "acr"] } }, folder: "sweeps/losses" }))
 *   if (event.type === "trial-end") console.log(event.result.name, event.result.nmePercent);
 */
export async function* sweep(options: SweepOptions): AsyncGenerator<SweepEvent, TrialResult[]> {
  const { folder, signal, onTrainEvent } = options;
  checkFolderName("sweep", folder);
  const plan = parseSweepPlan(options.plan);
  const trials = expandSweep(plan);
  const executor = options.executor ?? createLocalExecutor({ onTrainEvent });
  await openSweepFolder(folder, plan);
  const results = new Map((await readSweep(folder)).results.map((result) => [result.id, result]));
  yield { type: "start", folder, trials, done: [...results.values()].filter(isOver) };

  const record = async (result: TrialResult) => {
    results.set(result.id, result);
    await writeTrialResult(folder, result);
  };
  const totals = new Map(trials.map((trial) => [trial.id, trial.recipe.epochs]));
  const rungs = plan.halving ? halvingRungs({ ...plan.halving, epochs: Math.max(...totals.values()) }) : [Infinity];
  let alive = trials;
  for (const [i, rung] of rungs.entries()) {
    const until = (trial: SweepTrial) => Math.min(rung, totals.get(trial.id)!);
    const hasReached = (trial: SweepTrial) => {
      const result = results.get(trial.id);
      return result !== undefined && (isOver(result) || (result.epochs ?? 0) >= until(trial));
    };
    const jobs = alive.filter((trial) => !hasReached(trial)).map((trial) => ({ trial, untilEpoch: until(trial) }));
    for await (const event of executor.run(jobs, { folder, signal })) {
      if (event.type === "start") {
        yield { type: "trial-start", ...event.job };
        continue;
      }
      if (event.type === "progress") {
        yield { type: "trial-progress", trial: event.job.trial, progress: event.progress };
        continue;
      }
      const { job, outcome, error, attempts, worker } = event;
      const { index, id, name, seed, values } = job.trial;
      const { nmePercent, bestEpoch, epochs, seconds, lastNmePercent, failureRatePercent, auc } = results.get(id) ?? {};
      const isFinished = outcome !== undefined && outcome.epochs >= totals.get(id)!;
      const result: TrialResult = {
        formatVersion: 1,
        index,
        id,
        name,
        seed,
        values,
        status: error !== undefined ? "failed" : isFinished ? "finished" : "paused",
        ...(error !== undefined && { error }),
        // A trial that fails at a later rung keeps what it reached, so that the ranking of earlier rungs stands.
        ...(outcome ?? { nmePercent, bestEpoch, epochs, seconds, lastNmePercent, failureRatePercent, auc }),
        attempts: attempts + (results.get(id)?.attempts ?? 0),
        worker,
        finishedAt: new Date().toISOString(),
      };
      await record(result);
      const doneCount = trials.filter(({ id }) => results.has(id) && isOver(results.get(id)!)).length;
      yield { type: "trial-end", trial: job.trial, result, doneCount, trialCount: trials.length };
    }
    if (signal?.aborted && alive.some((trial) => !hasReached(trial))) {
      yield { type: "interrupted", folder };
      return sorted(results);
    }
    if (i + 1 < rungs.length) {
      const ranked = alive
        .filter((trial) => (results.get(trial.id)?.epochs ?? 0) >= until(trial))
        .sort((a, b) => results.get(a.id)!.nmePercent! - results.get(b.id)!.nmePercent! || a.index - b.index);
      const kept = ranked.slice(0, Math.max(1, Math.floor(alive.length / plan.halving!.eta)));
      const pruned = ranked.slice(kept.length);
      for (const trial of pruned) {
        const result = results.get(trial.id)!;
        if (result.status === "paused") await record({ ...result, status: "pruned" });
      }
      yield { type: "rung", epochs: rung, kept: kept.map(({ id }) => id), pruned: pruned.map(({ id }) => id) };
      alive = kept;
    }
  }
  yield { type: "end", results: sorted(results) };
  return sorted(results);
}

const isOver = ({ status }: TrialResult) => status !== "paused";
const sorted = (results: Map<string, TrialResult>) => [...results.values()].sort((a, b) => a.index - b.index);

/** Options of `createLocalExecutor`. */
export interface LocalExecutorOptions {
  /** Default: `runTrial`, which trains. */
  run?: TrialRunner;
  onTrainEvent?: (event: TrainEvent, trial: SweepTrial) => void;
}

/**
 * Runs the jobs of a sweep in this process, one after the other. Faults of the input fail a trial at once; anything else
 * is tried a second time, from the last checkpoint.
 *
 * @example sweep({ plan, folder, executor: createLocalExecutor() });
 */
export function createLocalExecutor({ run = runTrial, onTrainEvent }: LocalExecutorOptions = {}): SweepExecutor {
  return {
    run: async function* (jobs, { folder, signal }) {
      for (const job of jobs) {
        if (signal?.aborted) return;
        yield { type: "start", job };
        for (let attempts = 1; ; attempts++) {
          const base = { type: "end" as const, job, attempts, worker: `${hostname()}:${process.pid}` };
          try {
            const outcome = await run(job.trial, {
              folder: sweepFiles(folder).trial(job.trial.id),
              untilEpoch: job.untilEpoch,
              signal,
              onEvent: (event) => onTrainEvent?.(event, job.trial),
            });
            if (outcome) yield { ...base, outcome };
            else if (signal?.aborted) return;
            else throw new InvalidArgumentError(`sweep: trial ${job.trial.id} ended before epoch ${job.untilEpoch}.`);
            break;
          } catch (error) {
            if (!AcrError.isInstance(error) && attempts < 2) continue;
            yield { ...base, error: (error as Error).message };
            break;
          }
        }
      }
    },
  };
}
