import { type ChildProcess, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StorageError } from "@acr/core";
import { childProcesses } from "@acr/testing";
import {
  createRedisExecutor,
  readSweep,
  runFiles,
  runSweepWorker,
  type SweepEvent,
  sweep,
  sweepFiles,
  type TrialRunner,
} from "./index.js";

const hasRedis = spawnSync("redis-server", ["--version"]).status === 0;
if (!hasRedis)
  console.warn(
    "redis-server is not installed: the tests of sweeps on Redis are skipped (apt-get install redis-server).",
  );
const withRedis = hasRedis ? describe : describe.skip;

const folder = mkdtempSync(join(tmpdir(), "acr-redis-"));
const { start, end } = childProcesses();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

async function startRedis(...args: string[]): Promise<number> {
  const port = await freePort();
  await startRedisAt(port, ...args);
  return port;
}

async function startRedisAt(port: number, ...args: string[]): Promise<ChildProcess> {
  const options = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--dir", folder, ...args];
  const child = start("redis-server", options, { stdio: ["ignore", "pipe", "ignore"] });
  await new Promise<void>((resolve, reject) => {
    child.stdout!.on("data", (text) => `${text}`.includes("Ready to accept") && resolve());
    child.once("error", reject);
  });
  return child;
}

/** Work that is over at once. */
const quick: TrialRunner = async ({ index }, { untilEpoch }) => ({
  ...{ nmePercent: 1 + index, bestEpoch: 1, epochs: untilEpoch, seconds: 0 },
});
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const finished = (count: number) => Array.from({ length: count }, (_, index) => [index, "finished", 1 + index]);
const summary = async (sweepFolder: string) =>
  (await readSweep(sweepFolder)).results.map(({ index, status, nmePercent }) => [index, status, nmePercent]);

const plan = (trialCount: number) => ({
  recipe: { epochs: 1 },
  parameters: { batchSize: Array.from({ length: trialCount }, (_, i) => i + 1) },
});

withRedis("a sweep on Redis", () => {
  let url = "";
  beforeAll(async () => {
    url = `redis://127.0.0.1:${await startRedis()}`;
  });

  it("loses no trial and records each once while workers are killed", async () => {
    const log = join(folder, "ended.log");
    const lockMs = 400;
    const startWorker = () => {
      const script = join(__dirname, "__fixtures__", "sweep-worker-child.mjs");
      const child = start(process.execPath, [script, url, `${lockMs}`, "40", log], { stdio: "ignore", cwd: __dirname });
      return child;
    };
    let workers = [startWorker(), startWorker()];
    const events: SweepEvent[] = [];
    let kills = 0;
    for await (const event of sweep({
      plan: plan(24),
      folder: join(folder, "killed"),
      executor: createRedisExecutor({ url }),
    })) {
      events.push(event);
      if (event.type === "trial-end" && kills < 4 && event.doneCount % 4 === 0) {
        workers[kills % 2]!.kill("SIGKILL");
        workers = workers.map((worker, i) => (i === kills % 2 ? startWorker() : worker));
        kills++;
      }
    }
    expect(kills).toBe(4);
    const { results } = await readSweep(join(folder, "killed"));
    expect(results.map(({ index, status }) => [index, status])).toEqual(
      Array.from({ length: 24 }, (_, index) => [index, "finished"]),
    );
    expect(events.filter(({ type }) => type === "trial-end")).toHaveLength(24);
    expect(new Set(readFileSync(log, "utf8").trim().split("\n")).size).toBe(24);
    for (const worker of workers) worker.kill("SIGTERM");
  }, 120_000);

  it("takes no result of a plan before, whose trials had the same names in the same folder", async () => {
    const home = join(folder, "emptied");
    const queue = "emptied";
    const planWith = (learningRate: number) => ({ recipe: { epochs: 1, learningRate }, trials: [{ name: "a" }] });
    const [scheduler, stop] = [new AbortController(), new AbortController()];
    const worker = runSweepWorker({
      ...{ url, queue, signal: stop.signal },
      run: async ({ recipe }, { untilEpoch }) => {
        // The scheduler leaves while the trial is under way; it ends for nobody.
        scheduler.abort();
        await pause(100);
        return { nmePercent: recipe.learningRate, bestEpoch: 1, epochs: untilEpoch, seconds: 0 };
      },
    });
    const executor = createRedisExecutor({ url, queue });
    for await (const event of sweep({ plan: planWith(1), folder: home, executor, signal: scheduler.signal }))
      void event;
    await pause(500);
    rmSync(home, { recursive: true });
    for await (const event of sweep({ plan: planWith(7), folder: home, executor })) void event;
    stop.abort();
    await worker;
    expect(await summary(home)).toEqual([[0, "finished", 7]]);
  }, 60_000);

  it("tries a failing trial again, gives up on faulty input, and hands stopped trials back", async () => {
    const { InvalidArgumentError } = await import("@acr/core");
    const abort = new AbortController();
    const calls = [0, 0, 0];
    const worker = runSweepWorker({
      url,
      queue: "faults",
      signal: abort.signal,
      run: async ({ index }, { untilEpoch }) => {
        calls[index]!++;
        if (index === 0) throw new InvalidArgumentError("no good");
        if (index === 1 && calls[1] === 1) throw new Error("broken");
        return { nmePercent: 1, bestEpoch: 1, epochs: untilEpoch, seconds: 0 };
      },
    });
    const executor = createRedisExecutor({ url, queue: "faults" });
    for await (const event of sweep({ plan: plan(3), folder: join(folder, "faults"), executor })) void event;
    abort.abort();
    await worker;
    expect(calls).toEqual([1, 2, 1]);
    const { results } = await readSweep(join(folder, "faults"));
    expect(results.map(({ status, error }) => [status, error])).toEqual([
      ["failed", "no good"],
      ["finished", undefined],
      ["finished", undefined],
    ]);
  }, 60_000);
});

withRedis("a sweep on Redis with a store", () => {
  it("keeps runs in the store after each checkpoint, resumes from there, and collects them in the sweep's folder", async () => {
    const url = `redis://127.0.0.1:${await startRedis()}`;
    const store = join(folder, "store");
    const sweepFolder = join(folder, "stored");
    const abort = new AbortController();
    const goes: string[] = [];
    const run: TrialRunner = async (trial, { folder: home, untilEpoch, onEvent }) => {
      const files = runFiles(home);
      expect(home.startsWith(folder) && !home.includes("acr-worker-")).toBe(false);
      if (!existsSync(files.checkpoint)) {
        goes.push(`${trial.index} begins`);
        mkdirSync(join(home, "checkpoint"), { recursive: true });
        writeFileSync(files.checkpoint, "state");
        writeFileSync(files.metrics, "first\n");
        await onEvent?.({ type: "checkpoint", path: files.checkpoint, epoch: 1, batch: 0 });
        rmSync(home, { recursive: true });
        throw new Error("the machine is gone");
      }
      goes.push(`${trial.index} resumes from ${readFileSync(files.checkpoint, "utf8")}`);
      writeFileSync(files.metrics, "first\nsecond\n");
      return { nmePercent: 1 + trial.index, bestEpoch: 1, epochs: untilEpoch, seconds: 0 };
    };
    const worker = runSweepWorker({ url, signal: abort.signal, run });
    const executor = createRedisExecutor({ url, store });
    for await (const event of sweep({ plan: plan(2), folder: sweepFolder, executor })) void event;
    expect(goes.sort()).toEqual(["0 begins", "0 resumes from state", "1 begins", "1 resumes from state"]);
    expect(await summary(sweepFolder)).toEqual(finished(2));
    const { id } = (await readSweep(sweepFolder)).results[0]!;
    expect(readFileSync(runFiles(sweepFiles(sweepFolder).trial(id)).metrics, "utf8")).toBe("first\nsecond\n");
    expect(existsSync(runFiles(sweepFiles(sweepFolder).trial(id)).checkpoint)).toBe(false);
    expect(existsSync(join(store, "trials", id, "checkpoint", "last.bin"))).toBe(true);

    const other = sweep({ plan: plan(3), folder: join(folder, "other"), executor });
    await expect(
      (async () => {
        for await (const event of other) void event;
      })(),
    ).rejects.toThrow("holds the runs of another plan");
    abort.abort();
    await worker;
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith("acr-worker-"))).toEqual([]);
  }, 60_000);
});

withRedis("a sweep whose Redis goes away", () => {
  it("says so, waits, puts its jobs into the empty server that comes back, and loses nothing", async () => {
    const port = await freePort();
    let server = await startRedisAt(port);
    const url = `redis://127.0.0.1:${port}`;
    const abort = new AbortController();
    const states: string[] = [];
    const onConnection = (state: string) => void states.push(state);
    const slow: TrialRunner = async (trial, context) => {
      await pause(30);
      return quick(trial, context);
    };
    const worker = runSweepWorker({ url, signal: abort.signal, run: slow, lockMs: 1000 });
    const sweepFolder = join(folder, "restarted");
    let restart: Promise<void> | undefined;
    let ends = 0;
    for await (const event of sweep({
      plan: plan(20),
      folder: sweepFolder,
      executor: createRedisExecutor({ url, onConnection }),
    })) {
      if (event.type === "trial-end") ends++;
      if (ends === 5)
        restart ??= (async () => {
          await end(server);
          await pause(300);
          server = await startRedisAt(port);
        })();
    }
    await restart;
    expect(states).toEqual(["lost", "back"]);
    expect(ends).toBe(20);
    expect(await summary(sweepFolder)).toEqual(finished(20));
    abort.abort();
    await worker;
  }, 60_000);

  it("ends at once when it is stopped meanwhile, scheduler and worker", async () => {
    const port = await freePort();
    const server = await startRedisAt(port);
    const url = `redis://127.0.0.1:${port}`;
    const abort = new AbortController();
    const worker = runSweepWorker({
      ...{ url, signal: abort.signal },
      run: (_trial, { signal }) =>
        new Promise((resolve) => signal!.addEventListener("abort", () => resolve(undefined), { once: true })),
    });
    const scheduling = (async () => {
      const types: string[] = [];
      const executor = createRedisExecutor({ url, onConnection: () => abort.abort() });
      for await (const { type } of sweep({
        ...{ plan: plan(2), folder: join(folder, "gone"), executor },
        signal: abort.signal,
      })) {
        types.push(type);
        if (type === "trial-start") void end(server);
      }
      return types;
    })();
    expect(await scheduling).toEqual(["start", "trial-start", "interrupted"]);
    await worker;
  }, 60_000);
});

withRedis("a sweep on Redis that is stopped", () => {
  it("takes trials that nobody has begun out of the queue, and goes on later", async () => {
    const url = `redis://127.0.0.1:${await startRedis()}`;
    const sweepFolder = join(folder, "stopped");
    const go = async (signal?: AbortSignal) => {
      for await (const event of sweep({
        plan: plan(3),
        folder: sweepFolder,
        executor: createRedisExecutor({ url }),
        ...(signal && { signal }),
      }))
        void event;
    };
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 300);
    await go(stop.signal);
    const abort = new AbortController();
    const seen: string[] = [];
    const worker = runSweepWorker({ url, signal: abort.signal, run: quick, onTrial: ({ id }) => void seen.push(id) });
    await pause(500);
    expect(seen).toEqual([]);
    await go();
    expect(await summary(sweepFolder)).toEqual(finished(3));
    abort.abort();
    await worker;
  }, 60_000);
});

withRedis("a worker that was asleep for longer than its lock", () => {
  it("gives its trial up to the worker that has it now; the trial is recorded once", async () => {
    const url = `redis://127.0.0.1:${await startRedis()}`;
    const log = join(folder, "asleep.log");
    const script = join(__dirname, "__fixtures__", "sweep-worker-child.mjs");
    const sleeper = start(process.execPath, [script, url, "400", "100000", log], { stdio: "ignore", cwd: __dirname });
    const sweepFolder = join(folder, "asleep");
    const abort = new AbortController();
    let worker: Promise<void> | undefined;
    const ends: string[] = [];
    for await (const event of sweep({ plan: plan(1), folder: sweepFolder, executor: createRedisExecutor({ url }) })) {
      if (event.type === "trial-start") {
        sleeper.kill("SIGSTOP");
        worker = runSweepWorker({
          ...{ url, lockMs: 400, signal: abort.signal },
          run: async (trial, context) => {
            // Awake again while another one works on its trial.
            sleeper.kill("SIGCONT");
            await pause(1000);
            return quick(trial, context);
          },
        });
      }
      if (event.type === "trial-end") ends.push(event.trial.id);
    }
    expect(ends).toHaveLength(1);
    expect(await summary(sweepFolder)).toEqual(finished(1));
    expect(readFileSync(log, "utf8")).toBe("0000-1-s0 aborted\n");
    abort.abort();
    await worker;
  }, 60_000);
});

withRedis("createRedisExecutor", () => {
  const first = async (url: string) => {
    for await (const event of sweep({
      plan: plan(1),
      folder: join(folder, url.length.toString()),
      executor: createRedisExecutor({ url }),
    }))
      void event;
  };

  it("says when the password is wrong or missing, without showing it", async () => {
    const port = await startRedis("--requirepass", "secret");
    for (const login of ["", ":wrong@"]) {
      const attempt = first(`redis://${login}127.0.0.1:${port}`);
      await expect(attempt).rejects.toBeInstanceOf(StorageError);
      await expect(attempt).rejects.toThrow(`Redis at redis://127.0.0.1:${port} refuses the password`);
    }
  });

  it("says how to start Redis when none answers, and refuses other addresses", async () => {
    const port = await freePort();
    await expect(first(`redis://127.0.0.1:${port}`)).rejects.toThrow(/no Redis answers at .*redis-server/);
    await expect(first("http://x")).rejects.toThrow("must be redis://");
  }, 30_000);

  it("refuses a server that is too old, by the version that it states", async () => {
    const port = await startRedis();
    const servers: Server[] = [];
    /** The real server, but for the version in its answers. */
    const claiming = (version: string) =>
      new Promise<number>((resolve) => {
        const proxy = createServer((socket) => {
          const upstream = connect(port, "127.0.0.1");
          socket.pipe(upstream);
          upstream.on("data", (bytes) => {
            const text = bytes.toString("latin1");
            // Of the same length, as answers state theirs.
            const changed = text.replace(/redis_version:[\d.]+/, (found) =>
              `redis_version:${version}`.padEnd(found.length, "0"),
            );
            socket.write(Buffer.from(changed, "latin1"));
          });
          for (const side of [socket, upstream]) side.on("error", () => undefined);
          socket.on("close", () => upstream.destroy());
        }).listen(0, "127.0.0.1", () => resolve((proxy.address() as { port: number }).port));
        servers.push(proxy);
      });
    const old = `redis://127.0.0.1:${await claiming("6.0.9")}`;
    await expect(first(old)).rejects.toBeInstanceOf(StorageError);
    await expect(first(old)).rejects.toThrow(/Redis at .* is version 6\.0; expected 6\.2 or later, or Valkey/);
    const abort = new AbortController();
    await expect(runSweepWorker({ url: old, signal: abort.signal })).rejects.toThrow("is version 6.0");
    for (const server of servers) server.close();
  });

  it("waits for a server that starts a little later", async () => {
    const port = await freePort();
    const abort = new AbortController();
    const worker = runSweepWorker({ url: `redis://127.0.0.1:${port}`, signal: abort.signal, run: quick });
    const scheduling = first(`redis://127.0.0.1:${port}`);
    await pause(300);
    await startRedisAt(port);
    await scheduling;
    abort.abort();
    await worker;
  }, 30_000);
});
