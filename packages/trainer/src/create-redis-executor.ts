import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { InvalidArgumentError } from "@acr/core";
import type { Job, Queue } from "bullmq";
import { connectRedis, loadBullmq, type RedisConnection } from "./internal/connect-redis.js";
import { type QueuedOutcome, type QueuedTrial, SWEEP_QUEUE } from "./internal/queued-trial.js";
import { RunTransfer } from "./internal/run-transfer.js";
import { GOODBYE_MS, within } from "./internal/within.js";
import { openStore } from "./open-store.js";
import type { RunStore } from "./run-store.js";
import type { SweepExecutor, SweepJob } from "./sweep.js";
import type { TrialProgress } from "./sweep-event.js";
import { sweepFiles } from "./sweep-folder.js";

/** Options that both sides of a queue share. */
export interface RedisOptions {
  /** `redis://[user:password@]host:port[/db]`, or `rediss://` for TLS. */
  url: string;
  /** Name of the queue. Default `acr-sweep`. */
  queue?: string;
  /** Called when the connection is lost, with the reason, and when it is back. Tries to reconnect never end. */
  onConnection?: (state: "lost" | "back", reason?: string) => void;
}

/** Options of `createRedisExecutor`. */
export interface RedisExecutorOptions extends RedisOptions {
  /**
   * Where workers keep their runs when they do not share the sweep's folder: `s3://bucket/prefix` or a folder. Finished runs
   * are copied from there into the sweep's folder. Default: the workers write into the sweep's folder themselves.
   */
  store?: string;
}

const POLL_MS = 200;
/** Jobs that Redis has lost are put back this often. */
const REPLACE_MS = 15_000;
const PAGE = 500;
const ATTEMPTS = 3;
const BACKOFF_MS = 1000;

/**
 * The same job always has the same id: adding it twice changes nothing. The recipe is part of it, since a folder may be
 * emptied for another plan whose trials have the same names, while Redis still holds the results of the plan before.
 */
function jobId(folder: string, { trial, untilEpoch }: SweepJob): string {
  const origin = createHash("sha256")
    .update(JSON.stringify([folder, trial.recipe]))
    .digest("hex")
    .slice(0, 16);
  return `${origin}-${trial.id}-${untilEpoch}`;
}

/**
 * Runs the jobs of a sweep on workers (`runSweepWorker`, `acr sweep worker`) that share a Redis or Valkey server and the
 * folder of the sweep or a store. Nothing lives in Redis alone: results are recorded in the folder, and jobs that Redis has
 * lost are put back. A worker that dies loses its lock; another goes on from the trial's last checkpoint.
 *
 * @throws {StorageError} Redis cannot be reached, refuses the password, or is older than 6.2; the store is out of reach.
 * @throws {InvalidArgumentError} the packages bullmq and ioredis are not installed; the store holds another sweep.
 * @example for await (const event of sweep({ plan, folder, executor: createRedisExecutor({ url: "redis://localhost:6379" }) })) …
 */
export function createRedisExecutor(options: RedisExecutorOptions): SweepExecutor {
  const { url, queue: queueName = SWEEP_QUEUE, store: address, onConnection } = options;
  return {
    run: async function* (jobs, { folder, signal }) {
      if (jobs.length === 0) return;
      const { Queue: BullQueue } = await loadBullmq();
      const home = resolve(folder);
      const store = address === undefined ? undefined : await openStore(address);
      if (store) await claimStore(store, address!, home);
      let isReplacing = false;
      const connection = await connectRedis(url, (state, reason) => {
        // A server that was started anew may have forgotten everything.
        isReplacing ||= state === "back";
        onConnection?.(state, reason);
      });
      const queue = new BullQueue<QueuedTrial, QueuedOutcome>(queueName, { connection: connection as never });
      queue.on("error", () => undefined);
      const orStopped = stopper(signal);
      const open = new Map(jobs.map((job) => [jobId(home, job), job]));
      const shown = new Map<string, string>();
      const place = () =>
        queue.addBulk(
          [...open].map(([id, { trial, untilEpoch }]) => ({
            name: "trial",
            data: { folder: home, trial, untilEpoch, ...(address !== undefined && { store: storeAddress(address) }) },
            opts: { jobId: id, attempts: ATTEMPTS, backoff: { type: "exponential", delay: BACKOFF_MS } },
          })),
        );
      try {
        await orStopped(place());
        let placed = Date.now();
        while (open.size > 0 && !signal?.aborted) {
          for (const job of (await orStopped(queue.getJobs(["active"], 0, PAGE))) ?? []) {
            const mine = job?.id === undefined ? undefined : open.get(job.id);
            if (!mine) continue;
            const isNew = !shown.has(job.id!);
            const progress = JSON.stringify(job.progress);
            const hasMoved = shown.get(job.id!) !== progress;
            shown.set(job.id!, progress);
            if (isNew) yield { type: "start", job: mine };
            if (hasMoved && typeof job.progress === "object")
              yield { type: "progress", job: mine, progress: job.progress as unknown as TrialProgress };
          }
          const ended = (await orStopped(queue.getJobs(["completed", "failed"], 0, PAGE))) ?? [];
          let taken = 0;
          for (const job of ended) {
            const mine = job?.id === undefined ? undefined : open.get(job.id);
            if (!mine) continue;
            const { id } = mine.trial;
            if (store)
              await new RunTransfer(store, `trials/${id}`, sweepFiles(home).trial(id)).download({ checkpoints: false });
            open.delete(job.id!);
            taken++;
            yield endOf(job, mine);
            // Only now: the caller has recorded it. Killed in between, the next go finds the record.
            await orStopped(job.remove().catch(() => undefined));
          }
          if (taken === 0) await orStopped(new Promise((resume) => setTimeout(resume, POLL_MS)));
          if (isReplacing || Date.now() - placed > REPLACE_MS) {
            isReplacing = false;
            await orStopped(place());
            placed = Date.now();
          }
        }
        if (signal?.aborted && connection.status === "ready") {
          // What no worker has begun would run without anyone waiting for it.
          const remove = async () => {
            for (const id of open.keys()) await (await queue.getJob(id))?.remove().catch(() => undefined);
          };
          await within(GOODBYE_MS, remove());
        }
      } finally {
        await closeQueue(queue, connection);
      }
    },
  };
}

/** Folders are meant as this process sees them; addresses are the same everywhere. */
const storeAddress = (address: string) => (address.includes("://") ? address : resolve(address));

/** A store belongs to one plan, as a folder does. */
async function claimStore(store: RunStore, address: string, folder: string): Promise<void> {
  const plan = await readFile(sweepFiles(folder).plan);
  const there = await store.get("plan.json");
  if (there !== undefined && !Buffer.from(there).equals(plan))
    throw new InvalidArgumentError(
      `sweep: the store ${address} holds the runs of another plan. Choose another prefix or folder.`,
    );
  if (there === undefined) await store.put("plan.json", plan);
}

/** Waits for something, but not beyond the abort: without a server, commands would wait for ever. */
function stopper(signal: AbortSignal | undefined): <T>(work: Promise<T>) => Promise<T | undefined> {
  const stopped = new Promise<undefined>((stop) => {
    if (signal?.aborted) return stop(undefined);
    signal?.addEventListener("abort", () => stop(undefined), { once: true });
  });
  return (work) => {
    // Left behind, it may still fail when the connection is closed.
    work.catch(() => undefined);
    return Promise.race([work, stopped]);
  };
}

/** Closes both, also when there is no server any more. */
async function closeQueue(queue: Queue, connection: RedisConnection): Promise<void> {
  if (!(connection.status === "ready" && (await within(GOODBYE_MS, queue.close()))))
    void queue.disconnect().catch(() => undefined);
  if (!(connection.status === "ready" && (await within(GOODBYE_MS, connection.quit())))) connection.disconnect();
}

function endOf(job: Job<QueuedTrial, QueuedOutcome>, mine: SweepJob) {
  const attempts = Math.max(1, job.attemptsStarted ?? job.attemptsMade);
  if (job.returnvalue?.outcome) {
    const { outcome, worker } = job.returnvalue;
    return { type: "end" as const, job: mine, outcome, attempts, worker };
  }
  return { type: "end" as const, job: mine, error: job.failedReason ?? "unknown", attempts, worker: "redis" };
}
