import { mkdtemp, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { AcrError, InvalidArgumentError, StorageError } from "@acr/core";
import type { RedisOptions } from "./create-redis-executor.js";
import { connectRedis, loadBullmq } from "./internal/connect-redis.js";
import { type QueuedOutcome, type QueuedTrial, SWEEP_QUEUE } from "./internal/queued-trial.js";
import { RunTransfer } from "./internal/run-transfer.js";
import { GOODBYE_MS, within } from "./internal/within.js";
import { openStore } from "./open-store.js";
import { runTrial, type TrialRunner } from "./run-trial.js";
import type { TrialOutcome, TrialProgress } from "./sweep-event.js";
import { sweepFiles } from "./sweep-folder.js";
import type { SweepTrial } from "./sweep-plan.js";
import type { TrainEvent } from "./train-event.js";

/** Options of `runSweepWorker`. */
export interface SweepWorkerOptions extends RedisOptions {
  /** Abort to stop: the trial in progress writes a checkpoint and goes back to the queue. */
  signal: AbortSignal;
  /** Default: `runTrial`, which trains. */
  run?: TrialRunner;
  /** A trial whose worker has not been heard of for so long goes to another one, >= 100. Default 30000. */
  lockMs?: number;
  onEvent?: (event: TrainEvent, trial: SweepTrial) => void;
  /** Called at the start and at the end of each trial. */
  onTrial?: (trial: SweepTrial, outcome: TrialOutcome | Error | undefined) => void;
}

/** Between two reports of steps; those of epochs always go out. */
const PROGRESS_MS = 1000;

/**
 * Takes trials from a queue, one at a time, and trains them until the signal comes. Run one for each GPU. The folder of
 * the sweep must have the same path for all, unless the sweep names a store: then runs are kept there, after each
 * checkpoint, and trained in a temporary folder.
 *
 * A worker that was out of touch for longer than `lockMs` stops its trial, which another one has by then.
 *
 * @throws {StorageError | InvalidArgumentError} as `createRedisExecutor`.
 * @example await runSweepWorker({ url: "redis://localhost:6379", signal: abort.signal });
 */
export async function runSweepWorker(options: SweepWorkerOptions): Promise<void> {
  const { url, queue = SWEEP_QUEUE, signal, run = runTrial, lockMs = 30_000, onConnection, onEvent, onTrial } = options;
  if (!(lockMs >= 100)) throw new InvalidArgumentError(`runSweepWorker: lockMs must be >= 100; got ${lockMs}.`);
  const { Worker, DelayedError, UnrecoverableError } = await loadBullmq();
  const connection = await connectRedis(url, onConnection);
  const name = `${hostname()}:${process.pid}`;
  let scratch: string | undefined;
  /** The trial in progress. */
  let work: Promise<void> = Promise.resolve();
  const worker = new Worker<QueuedTrial, QueuedOutcome>(
    queue,
    async (job, token) => {
      const { folder, trial, untilEpoch, store: address } = job.data;
      onTrial?.(trial, undefined);
      let endWork: () => void = () => undefined;
      work = new Promise((resolve) => {
        endWork = resolve;
      });
      const lock = new AbortController();
      const stop = () => lock.abort();
      signal.addEventListener("abort", stop);
      if (signal.aborted) stop();
      let isLost = false;
      const onLost = (ids: string[]) => {
        if (!ids.includes(job.id!)) return;
        isLost = true;
        stop();
      };
      worker.on("lockRenewalFailed", onLost);
      let reported = 0;
      const report = (event: TrainEvent) => {
        if (event.type !== "epoch" && (event.type !== "step" || Date.now() - reported < PROGRESS_MS)) return;
        reported = Date.now();
        const progress: TrialProgress = {
          worker: name,
          epoch: event.epoch,
          epochs: untilEpoch,
          ...(event.type === "epoch"
            ? { nmePercent: event.nmePercent, loss: event.trainLoss }
            : { loss: event.loss, imagesPerSecond: event.imagesPerSecond }),
        };
        job.updateProgress(progress as object).catch(() => undefined);
      };
      try {
        let home = sweepFiles(folder).trial(trial.id);
        let transfer: RunTransfer | undefined;
        if (address !== undefined) {
          scratch ??= await mkdtemp(join(tmpdir(), "acr-worker-"));
          home = join(scratch, trial.id);
          transfer = new RunTransfer(await openStore(address), `trials/${trial.id}`, home);
          await transfer.download();
        }
        const outcome = await run(trial, {
          folder: home,
          untilEpoch,
          signal: lock.signal,
          onEvent: async (event) => {
            onEvent?.(event, trial);
            report(event);
            if (event.type === "checkpoint" && !isLost) await transfer?.upload();
          },
        });
        if (isLost) throw new StorageError(`sweep: the lock of trial ${trial.id} was lost: another worker has it.`);
        if (transfer) {
          if (outcome) await transfer.upload();
          await rm(home, { recursive: true, force: true });
        }
        if (outcome) {
          onTrial?.(trial, outcome);
          return { outcome, worker: name };
        }
      } catch (error) {
        onTrial?.(trial, error as Error);
        // Another try with the same input would end the same way.
        if (AcrError.isInstance(error) && error.code !== "ACR_STORAGE") throw new UnrecoverableError(error.message);
        throw error;
      } finally {
        signal.removeEventListener("abort", stop);
        worker.off("lockRenewalFailed", onLost);
        endWork();
      }
      // Stopped: back to the queue, which is no failed attempt.
      await job.moveToDelayed(Date.now(), token);
      throw new DelayedError();
    },
    {
      connection: connection as never,
      concurrency: 1,
      lockDuration: lockMs,
      stalledInterval: lockMs,
      // Killed workers are no fault of the trial.
      maxStalledCount: 1000,
    },
  );
  // Lost connections are tried again with back-off by the client.
  worker.on("error", () => undefined);
  try {
    await new Promise<void>((stop) => {
      if (signal.aborted) return stop();
      signal.addEventListener("abort", () => stop(), { once: true });
    });
    const closing = worker.close();
    await work;
    // Without a server there is nobody to tell; the trial's lock ends by itself.
    if (!(await within(GOODBYE_MS, closing))) void worker.disconnect().catch(() => undefined);
  } finally {
    if (!(await within(GOODBYE_MS, connection.quit()))) connection.disconnect();
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
  }
}
