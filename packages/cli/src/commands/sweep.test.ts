import { type ChildProcess, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { childProcesses } from "@acr/testing";

jest.setTimeout(180_000);

const hasRedis = spawnSync("redis-server", ["--version"]).status === 0;
if (!hasRedis) console.warn("redis-server is not installed: tests of acr sweep on Redis are skipped.");
const withRedis = hasRedis ? it : it.skip;

const root = mkdtempSync(join(tmpdir(), "acr-sweep-cli-"));
const { start, runNode, children } = childProcesses();
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Runs the built `acr` in a process of its own; `onErr` sees each piece of what it says. */
const acr = (args: string[], onErr: (text: string, child: ChildProcess) => void = () => undefined) =>
  runNode([join(__dirname, "../../bin/acr.js"), ...args], {
    cwd: root,
    onErr: (piece, _, child) => onErr(piece, child),
  });

async function startRedis(...args: string[]): Promise<string> {
  const port = await new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port: free } = server.address() as { port: number };
      server.close(() => resolve(free));
    });
  });
  const options = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--dir", root, ...args];
  const child = start("redis-server", options, { stdio: ["ignore", "pipe", "ignore"] });
  await new Promise<void>((resolve) => {
    child.stdout!.on("data", (text) => `${text}`.includes("Ready to accept") && resolve());
  });
  return `127.0.0.1:${port}`;
}

const plan = join(root, "plan.json");
const RECIPE = {
  ...{
    synthetic: { trainCount: 8, valCount: 4 },
    backbone: "mobilenet_v2_035",
    imageSize: 32,
    batchSize: 4,
    epochs: 2,
  },
  ...{ backend: "wasm", threads: 1, logs: { tensorboard: false, samplesEvery: 0, histogramsEvery: 0 } },
};
beforeAll(() =>
  writeFileSync(
    plan,
    JSON.stringify({ name: "two", recipe: RECIPE, parameters: { loss: ["l1", "l2"] }, seeds: [1, 2] }),
  ),
);

withRedis(
  "acr sweep --redis --workers trains real trials; one worker is killed in the middle of one, and none is lost",
  async () => {
    const redis = `redis://${await startRedis()}`;
    // The folder is not shared: runs travel by the store.
    const store = join(root, "store");
    let killed = 0;
    const worker = acr(["sweep", "worker", "--redis", redis, "--stalled-after", "2"], (text, child) => {
      if (killed > 0 || !text.includes("begins")) return;
      killed = child.pid!;
      child.kill("SIGKILL");
    });
    const args = ["--redis", redis, "--store", store, "--stalled-after", "2", "--out", join(root, "two"), "--json"];
    const swept = acr(["sweep", plan, ...args]);
    expect((await worker).code).toBeNull();
    const others = acr(["sweep", "worker", "--redis", redis, "--stalled-after", "2"]);
    const { code, out, err } = await swept;
    children.at(-1)!.kill("SIGTERM");
    expect(await others).toMatchObject({ code: 0, out: "" });
    expect({ code, hasControls: err.includes("\u001b") }).toEqual({ code: 0, hasControls: false });
    expect(err).toContain("4/4 000");
    const { results } = JSON.parse(out);
    expect(results.map(({ status, epochs }: Record<string, unknown>) => [status, epochs])).toEqual(
      Array.from({ length: 4 }, () => ["finished", 2]),
    );
    // On a busy machine a trial that lives can count as stalled too, and is resumed like the killed one.
    expect(results.some(({ attempts }: { attempts: number }) => attempts > 1)).toBe(true);
    expect(existsSync(join(root, "two", "trials", results[0].id, "model", "model.json"))).toBe(true);

    const name = join(root, "kept", "two");
    expect(await acr(["sweep", "report", join(root, "two"), "--out", name])).toMatchObject({ code: 0, out: "" });
    const text = readFileSync(`${name}.md`, "utf8");
    expect(text).toMatch(/\| l[12] \| 2 \| \d+\.\d\d ± \d+\.\d\d \|/);
    expect(text).not.toContain(root);
    const record = JSON.parse(readFileSync(`${name}.json`, "utf8"));
    const scores = results
      .filter(({ name }: { name: string }) => name === "l1")
      .map(({ nmePercent }: { nmePercent: number }) => nmePercent);
    const summary = record.sweeps[0].summary.find(({ name }: { name: string }) => name === "l1");
    expect(summary.nmePercent.mean).toBeCloseTo((scores[0] + scores[1]) / 2, 10);
    expect(summary.nmePercent.standardDeviation).toBeCloseTo(Math.abs(scores[0] - scores[1]) / Math.SQRT2, 10);
    const shown = await acr(["sweep", "report", join(root, "two")]);
    expect(shown.out).toMatch(/^trial\s+seeds\s+NME %/);
  },
);

/** Whether each trial of a sweep was asked to use 256-bit registers. */
const wideTrials = (folder: string, results: { id: string }[]) =>
  results.map(({ id }) => {
    const { backend } = JSON.parse(readFileSync(join(folder, "trials", id, "environment.json"), "utf8"));
    return "wideRegisters" in backend;
  });
const shortPlan = { recipe: { ...RECIPE, epochs: 1 }, parameters: { loss: ["l2"] } };

it("acr sweep --wide asks for 256-bit registers in its trials, and refuses a plan for another engine", async () => {
  const file = join(root, "wide.json");
  const out = join(root, "wide");
  writeFileSync(file, JSON.stringify({ name: "wide", ...shortPlan }));
  const { code, out: text } = await acr(["sweep", file, "--wide", "--out", out, "--json", "--quiet"]);
  expect(code).toBe(0);
  expect(wideTrials(out, JSON.parse(text).results)).toEqual([true]);
  writeFileSync(file, JSON.stringify({ name: "wide", ...shortPlan, recipe: { ...shortPlan.recipe, backend: "cpu" } }));
  expect(await acr(["sweep", file, "--wide", "--out", join(root, "wide-cpu")])).toMatchObject({
    code: 2,
    err: 'acr: acr sweep: --wide is for the backend "wasm"; got the backend "cpu". Leave one of them out.\n',
  });
});

withRedis("--wide reaches the workers that acr sweep starts, and acr sweep worker has it too", async () => {
  const redis = `redis://${await startRedis()}`;
  const file = join(root, "wide-redis.json");
  const sweep = async (name: string, ...args: string[]) => {
    writeFileSync(file, JSON.stringify({ name, ...shortPlan }));
    const { code, out, err } = await acr([
      "sweep",
      file,
      "--redis",
      redis,
      "--out",
      join(root, name),
      "--json",
      ...args,
    ]);
    expect({ code, err: code === 0 ? "" : err }).toEqual({ code: 0, err: "" });
    return wideTrials(join(root, name), JSON.parse(out).results);
  };
  expect(await sweep("wide-crew", "--wide", "--workers", "1")).toEqual([true]);
  const worker = acr(["sweep", "worker", "--redis", redis, "--wide"]);
  const child = children.at(-1)!;
  expect(await sweep("wide-worker")).toEqual([true]);
  child.kill("SIGTERM");
  expect(await worker).toMatchObject({ code: 0 });
});

withRedis(
  "acr sweep --redis ends with one line on a wrong password, and with its own folder and plan untouched",
  async () => {
    const address = await startRedis("--requirepass", "right");
    const out = join(root, "refused");
    const { code, err } = await acr(["sweep", plan, "--redis", `redis://:wrong@${address}`, "--out", out, "--quiet"]);
    expect({ code, err }).toEqual({
      code: 1,
      err: `acr: sweep: Redis at redis://${address} refuses the password in the address, or wants one.\n`,
    });
    expect(JSON.parse((await acr(["sweep", "report", out, "--json"])).out).sweeps[0].results).toEqual([]);
  },
);

it("acr sweep refuses --workers and --store without --redis, a store it does not know, and no folder to report", async () => {
  expect(await acr(["sweep", plan, "--workers", "2"])).toMatchObject({
    code: 2,
    err: expect.stringContaining("--workers needs --redis"),
  });
  expect(await acr(["sweep", plan, "--store", "x"])).toMatchObject({
    code: 2,
    err: expect.stringContaining("--store needs --redis"),
  });
  expect(await acr(["sweep", "report", "nowhere"])).toMatchObject({
    code: 2,
    err: expect.stringContaining("does not exist"),
  });
  const strange = [
    "sweep",
    plan,
    "--redis",
    "redis://127.0.0.1:1",
    "--store",
    "gs://bucket",
    "--out",
    join(root, "gs"),
  ];
  expect(await acr(strange)).toMatchObject({ code: 2, err: expect.stringContaining("s3://bucket/prefix or a folder") });
});
