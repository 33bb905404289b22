import { createHash } from "node:crypto";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { AcrError, InvalidArgumentError } from "@acr/core";
import type { Job } from "bullmq";
import { connectRedis, loadBullmq } from "./internal/connect-redis.js";
import { runTrial, type TrialRunner } from "./run-trial.js";
import type { SweepExecutor, SweepJob } from "./sweep.js";
import type { TrialOutcome } from "./sweep-event.js";
import { sweepFiles } from "./sweep-folder.js";
import type { SweepTrial } from "./sweep-plan.js";
import type { TrainEvent } from "./train-event.js";

/** Options that both sides of a queue share. */
export interface RedisOptions {
  /** `redis://[user:password@]host:port[/db]`, or `rediss://` for TLS. */
  url: string;
  /** Name of the queue. Default `acr-sweep`. */
  queue?: string;
}

/** What travels through the queue. */
interface QueuedTrial {
  folder: string;
  trial: SweepTrial;
  untilEpoch: number;
}

/** What a worker hands back. */
interface QueuedOutcome {
  outcome: TrialOutcome;
  worker: string;
}

const QUEUE = "acr-sweep";
const POLL_MS = 200;
/** Jobs that Redis has lost are put back this often. */
const REPLACE_MS = 15_000;
const PAGE = 500;
const ATTEMPTS = 3;
const BACKOFF_MS = 1000;

/** The same job always has the same id: adding it twice changes nothing. */
const jobId = (folder: string, { trial, untilEpoch }: SweepJob) =>
  `${createHash("sha256").update(folder).digest("hex").slice(0, 12)}-${trial.id}-${untilEpoch}`;

/**
 * Runs the jobs of a sweep on workers (`runSweepWorker`, `acr sweep worker`) that share a Redis or Valkey server and the
 * folder of the sweep. Nothing lives in Redis alone: results are recorded in the folder, and jobs that Redis has lost
 * are put back. A worker that dies loses its lock; another goes on from the trial's last checkpoint.
 *
 * @throws {StorageError} Redis cannot be reached, refuses the password, or is older than 6.2.
 * @throws {InvalidArgumentError} the packages bullmq and ioredis are not installed.
 * @example for await (const event of sweep({ plan, folder, executor: createRedisExecutor({ url: "redis://localhost:6379" }) })) …
 */
export function createRedisExecutor({ url, queue: queueName = QUEUE }: RedisOptions): SweepExecutor {
  return {
    run: async function* (jobs, { folder, signal }) {
      if (jobs.length === 0) return;
      const { Queue } = await loadBullmq();
      const connection = await connectRedis(url);
      const queue = new Queue<QueuedTrial, QueuedOutcome>(queueName, { connection: connection as never });
      queue.on("error", () => undefined);
      const home = resolve(folder);
      const open = new Map(jobs.map((job) => [jobId(home, job), job]));
      const started = new Set<string>();
      const place = () =>
        queue.addBulk(
          [...open].map(([id, { trial, untilEpoch }]) => ({
            name: "trial",
            data: { folder: home, trial, untilEpoch },
            opts: { jobId: id, attempts: ATTEMPTS, backoff: { type: "exponential", delay: BACKOFF_MS } },
          })),
        );
      try {
        await place();
        let placed = Date.now();
        while (open.size > 0 && !signal?.aborted) {
          for (const job of await queue.getJobs(["active"], 0, PAGE)) {
            if (!job?.id || !open.has(job.id) || started.has(job.id)) continue;
            started.add(job.id);
            yield { type: "start", job: open.get(job.id)! };
          }
          const ended = await queue.getJobs(["completed", "failed"], 0, PAGE);
          let taken = 0;
          for (const job of ended) {
            const mine = job?.id === undefined ? undefined : open.get(job.id);
            if (!mine) continue;
            open.delete(job.id!);
            taken++;
            yield endOf(job, mine);
            // Only now: the caller has recorded it. Killed in between, the next go finds the record.
            await job.remove().catch(() => undefined);
          }
          if (taken === 0) await new Promise((resume) => setTimeout(resume, POLL_MS));
          if (Date.now() - placed > REPLACE_MS) {
            await place();
            placed = Date.now();
          }
        }
        if (signal?.aborted) {
          // What no worker has begun would run without anyone waiting for it.
          for (const id of open.keys()) await (await queue.getJob(id))?.remove().catch(() => undefined);
        }
      } finally {
        await queue.close();
        await connection.quit().catch(() => undefined);
      }
    },
  };
}

function endOf(job: Job<QueuedTrial, QueuedOutcome>, mine: SweepJob) {
  const attempts = Math.max(1, job.attemptsStarted ?? job.attemptsMade);
  if (job.returnvalue?.outcome) {
    const { outcome, worker } = job.returnvalue;
    return { type: "end" as const, job: mine, outcome, attempts, worker };
  }
  return { type: "end" as const, job: mine, error: job.failedReason ?? "unknown", attempts, worker: "redis" };
}

/** Options of `runSweepWorker`. */
export interface SweepWorkerOptions extends RedisOptions {
  /** Abort to stop: the trial in progress writes a checkpoint and goes back to the queue. */
  signal: AbortSignal;
  /** Default: `runTrial`, which trains. */
  run?: TrialRunner;
  /** A trial whose worker has not been heard of for so long goes to another one. Default 30000. */
  lockMs?: number;
  onEvent?: (event: TrainEvent, trial: SweepTrial) => void;
  /** Called at the start and at the end of each trial. */
  onTrial?: (trial: SweepTrial, outcome: TrialOutcome | Error | undefined) => void;
}

/**
 * Takes trials from a queue, one at a time, and trains them until the signal comes. Run one for each GPU; the folder of
 * the sweep must have the same path for all.
 *
 * @throws {StorageError | InvalidArgumentError} as `createRedisExecutor`.
 * @example await runSweepWorker({ url: "redis://localhost:6379", signal: abort.signal });
 */
export async function runSweepWorker(options: SweepWorkerOptions): Promise<void> {
  const { url, queue = QUEUE, signal, run = runTrial, lockMs = 30_000, onEvent, onTrial } = options;
  if (!(lockMs >= 100)) throw new InvalidArgumentError(`runSweepWorker: lockMs must be >= 100; got ${lockMs}.`);
  const { Worker, DelayedError, UnrecoverableError } = await loadBullmq();
  const connection = await connectRedis(url);
  const name = `${hostname()}:${process.pid}`;
  const worker = new Worker<QueuedTrial, QueuedOutcome>(
    queue,
    async (job, token) => {
      const { folder, trial, untilEpoch } = job.data;
      onTrial?.(trial, undefined);
      try {
        const outcome = await run(trial, {
          folder: sweepFiles(folder).trial(trial.id),
          untilEpoch,
          signal,
          onEvent: (event) => onEvent?.(event, trial),
        });
        if (outcome) {
          onTrial?.(trial, outcome);
          return { outcome, worker: name };
        }
      } catch (error) {
        onTrial?.(trial, error as Error);
        // Another try with the same input would end the same way.
        if (AcrError.isInstance(error) && error.code !== "ACR_STORAGE") throw new UnrecoverableError(error.message);
        throw error;
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
    await worker.close();
  } finally {
    await connection.quit().catch(() => undefined);
  }
}
