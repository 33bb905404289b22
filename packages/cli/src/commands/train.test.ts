import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

jest.setTimeout(120_000);

const root = mkdtempSync(join(tmpdir(), "acr-train-cli-"));
const children: ChildProcess[] = [];
const end = (child: ChildProcess) =>
  new Promise<void>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
afterAll(async () => {
  await Promise.all(children.map(end));
  rmSync(root, { recursive: true, force: true });
});

/** Runs the built `acr` in a process of its own; `onOut` sees what it prints so far. */
function acr(args: string[], onOut: (text: string, child: ChildProcess) => void = () => undefined) {
  const bin = join(__dirname, "../../bin/acr.js");
  const child = spawn(process.execPath, [bin, ...args], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  const printed = { out: "", err: "" };
  child.stderr.on("data", (text) => {
    printed.err += text;
  });
  child.stdout.on("data", (text) => {
    printed.out += text;
    onOut(printed.out, child);
  });
  return new Promise<{ code: number | null; out: string; err: string }>((resolve) =>
    child.once("close", (code) => resolve({ code, ...printed })),
  );
}

const RECIPE = {
  synthetic: { trainCount: 16, valCount: 4 },
  backbone: "mobilenet_v2_035",
  imageSize: 32,
  batchSize: 4,
  epochs: 3,
  logs: { samplesEvery: 0, histogramsEvery: 0 },
  backend: "wasm",
  threads: 1,
};
const recipeFile = join(root, "recipe.json");
beforeAll(() => writeFileSync(recipeFile, JSON.stringify(RECIPE)));

const onPosix = process.platform === "win32" ? it.skip : it;

onPosix("acr train ends with a checkpoint and code 130 on SIGINT, and --resume finishes the run", async () => {
  const out = join(root, "run");
  let sent = false;
  const stopped = await acr(["train", recipeFile, "--out", out, "--events"], (text, child) => {
    if (sent || !text.includes('"type":"step"')) return;
    sent = true;
    child.kill("SIGINT");
  });
  expect(stopped.code).toBe(130);
  const events = stopped.out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const [interrupted, last] = events.slice(-2);
  expect([interrupted.type, last.type, last.result.finished]).toEqual(["interrupted", "end", false]);
  expect(existsSync(interrupted.checkpoint)).toBe(true);

  const resumed = await acr(["train", "--resume", "--out", out, "--quiet", "--json"]);
  expect(resumed).toMatchObject({ code: 0, err: "" });
  const result = JSON.parse(resumed.out);
  expect(result.finished).toBe(true);
  expect(result.history.map(({ epoch }: { epoch: number }) => epoch)).toEqual([1, 2, 3]);
  expect(readFileSync(join(out, "metrics.jsonl"), "utf8").trim().split("\n")).toHaveLength(3);
});
