#!/usr/bin/env node
/**
 * A sweep on a real Redis server with trials that do no work, in two parts:
 *
 *   scale   1,000 trials on two workers: seconds from the call to the last record, and memory of scheduler, workers and Redis
 *   kills   200 trials of 60 ms on three workers; 20 times a random one is killed (SIGKILL) at a random moment of a trial:
 *           each trial must be recorded exactly once, with its own result
 *
 *   node benchmarks/trainer/redis-sweep.mjs [--trials 1000] [--kills 20] [--seed 1] [--out FILE]
 *
 * Starts its own redis-server on a free port. Needs the built packages and Linux (memory is read from /proc). Exits 1 if a
 * trial is lost or recorded twice.
 */
import { spawn } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createRandom } from "@acr/core";
import { createRedisExecutor, readSweep, runSweepWorker, sweep } from "@acr/trainer";
import { Redis } from "ioredis";

const self = fileURLToPath(import.meta.url);

if (process.argv[2] === "worker") {
  const [url, lockMs, trialMs, log] = process.argv.slice(3);
  const abort = new AbortController();
  process.on("SIGTERM", () => abort.abort());
  await runSweepWorker({
    url,
    lockMs: Number(lockMs),
    signal: abort.signal,
    run: async (trial, { untilEpoch }) => {
      process.stdout.write("begins\n");
      if (Number(trialMs) > 0) await new Promise((resolve) => setTimeout(resolve, Number(trialMs)));
      if (log) appendFileSync(log, `${trial.id}\n`);
      return { nmePercent: 1 + trial.index / 1000, bestEpoch: 1, epochs: untilEpoch, seconds: 0 };
    },
  });
  process.exit(0);
}

const { values } = parseArgs({
  options: {
    trials: { type: "string", default: "1000" },
    kills: { type: "string", default: "20" },
    seed: { type: "string", default: "1" },
    out: { type: "string" },
  },
});
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc");
const scratch = mkdtempSync(join(tmpdir(), "acr-redis-sweep-"));
const children = new Set();
const start = (command, args, stdio = "ignore") => {
  const child = spawn(command, args, { stdio });
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
};
const startWorker = (...args) =>
  start(process.execPath, [self, "worker", ...args.map(String)], ["ignore", "pipe", "inherit"]);
const megabytes = (bytes) => Number((bytes / 1e6).toFixed(2));
const residentMb = (pid) =>
  megabytes(1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]));
const plan = (count) => ({
  recipe: { epochs: 1 },
  parameters: { learningRate: Array.from({ length: count }, (_, i) => (i + 1) / 1e6) },
});

try {
  const port = await new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port: free } = server.address();
      server.close(() => resolve(free));
    });
  });
  const server = start(
    "redis-server",
    ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--dir", scratch],
    ["ignore", "pipe", "ignore"],
  );
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.stdout.on("data", (text) => `${text}`.includes("Ready to accept") && resolve());
  });
  const url = `redis://127.0.0.1:${port}`;
  const redis = new Redis(url);
  const redisMb = async () => megabytes(Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1]));
  const serverVersion = /redis_version:(\S+)/.exec(await redis.info("server"))?.[1];

  // Part 1: many trials.
  const count = Number(values.trials);
  const workers = [startWorker(url, 30_000, 0), startWorker(url, 30_000, 0)];
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const memory = [];
  const redisBefore = await redisMb();
  const began = performance.now();
  let scheduled;
  const folder = join(scratch, "many");
  for await (const event of sweep({ plan: plan(count), folder, executor: createRedisExecutor({ url }) })) {
    if (event.type === "trial-start" || event.type === "trial-end") scheduled ??= (performance.now() - began) / 1000;
    if (event.type === "trial-end" && event.doneCount % (count / 10) === 0) {
      collectGarbage();
      memory.push({
        done: event.doneCount,
        heapMb: megabytes(process.memoryUsage().heapUsed),
        schedulerMb: residentMb(process.pid),
        workersMb: workers.map(({ pid }) => residentMb(pid)),
        redisMb: await redisMb(),
      });
    }
  }
  const seconds = (performance.now() - began) / 1000;
  for (const worker of workers) worker.kill("SIGTERM");
  const many = (await readSweep(folder)).results;
  const areAllThere =
    many.length === count &&
    many.every(({ index, status, attempts }, i) => index === i && status === "finished" && attempts === 1);
  console.error(`${count} trials: ${seconds.toFixed(1)} s, first one seen after ${scheduled.toFixed(1)} s`);

  // Part 2: random kills.
  const wanted = Number(values.kills);
  const random = createRandom(Number(values.seed)).fork("kills");
  const log = join(scratch, "ended.log");
  const lockMs = 1000;
  const trialMs = 60;
  let kills = 0;
  let wait = 3;
  /** A worker that is killed in one of its trials, a random one, at a random moment of it. */
  const fresh = () => {
    const worker = startWorker(url, lockMs, trialMs, log);
    worker.stdout.on("data", () => {
      if (kills >= wanted || --wait > 0) return;
      kills++;
      wait = 1 + random.integer(6);
      setTimeout(
        () => {
          worker.kill("SIGKILL");
          fresh();
        },
        random.uniform(0, trialMs),
      );
    });
    return worker;
  };
  for (let i = 0; i < 3; i++) fresh();
  const killed = join(scratch, "killed");
  const total = 200;
  const ends = new Map();
  const killBegan = performance.now();
  for await (const event of sweep({ plan: plan(total), folder: killed, executor: createRedisExecutor({ url }) }))
    if (event.type === "trial-end") ends.set(event.trial.id, (ends.get(event.trial.id) ?? 0) + 1);
  const killSeconds = (performance.now() - killBegan) / 1000;
  for (const child of children) if (child !== server) child.kill("SIGTERM");
  const { results } = await readSweep(killed);
  const lost = total - new Set(results.filter(({ status }) => status === "finished").map(({ id }) => id)).size;
  const recordedTwice = [...ends.values()].filter((times) => times > 1).length;
  const wrong = results.filter(({ index, nmePercent }) => nmePercent !== 1 + index / 1000).length;
  const worked = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n").length : 0;
  const leftInRedis = await redis.keys("bull:acr-sweep:*-*-*");
  const record = {
    scale: {
      trials: count,
      workers: 2,
      seconds: Number(seconds.toFixed(2)),
      secondsToFirstTrial: Number(scheduled.toFixed(2)),
      allRecordedOnce: areAllThere,
      redisMbBefore: redisBefore,
      memory,
    },
    kills: {
      trials: total,
      workers: 3,
      kills,
      seed: Number(values.seed),
      seconds: Number(killSeconds.toFixed(1)),
      lost,
      recordedTwice,
      wrongResults: wrong,
      trialsWithMoreThanOneStart: results.filter(({ attempts }) => attempts > 1).length,
      worksDoneTwice: worked - total,
      jobsLeftInRedis: leftInRedis.length,
    },
    versions: { node: process.version, redis: serverVersion },
    machine: `${cpus().length} × ${cpus()[0].model.trim()}`,
  };
  console.log(JSON.stringify(record, null, 2));
  if (values.out) writeFileSync(values.out, `${JSON.stringify(record, null, 2)}\n`);
  await redis.quit();
  if (!areAllThere || lost > 0 || recordedTwice > 0 || wrong > 0 || kills < wanted) process.exitCode = 1;
} finally {
  for (const child of children) child.kill("SIGKILL");
  rmSync(scratch, { recursive: true, force: true });
}
