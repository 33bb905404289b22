import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StorageError } from "@acr/core";
import { createRedisExecutor, readSweep, runSweepWorker, type SweepEvent, sweep } from "./index.js";

const hasRedis = spawnSync("redis-server", ["--version"]).status === 0;
if (!hasRedis)
  console.warn(
    "redis-server is not installed: the tests of sweeps on Redis are skipped (apt-get install redis-server).",
  );
const withRedis = hasRedis ? describe : describe.skip;

const folder = mkdtempSync(join(tmpdir(), "acr-redis-"));
const children: ChildProcess[] = [];
/** Jest waits for no process: one that is still ending, or its pipe, would keep it from exiting. */
const end = (child: ChildProcess) =>
  new Promise<void>((resolve) => {
    child.stdout?.destroy();
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
afterAll(async () => {
  await Promise.all(children.map(end));
  rmSync(folder, { recursive: true, force: true });
});

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

async function startRedis(...args: string[]): Promise<number> {
  const port = await freePort();
  const options = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--dir", folder, ...args];
  const child = spawn("redis-server", options, { stdio: ["ignore", "pipe", "ignore"] });
  children.push(child);
  await new Promise<void>((resolve, reject) => {
    child.stdout.on("data", (text) => `${text}`.includes("Ready to accept") && resolve());
    child.once("error", reject);
  });
  return port;
}

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
      const child = spawn(process.execPath, [script, url, `${lockMs}`, "40", log], { stdio: "ignore", cwd: __dirname });
      children.push(child);
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
});
