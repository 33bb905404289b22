import type { ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { childProcesses } from "@acr/testing";

jest.setTimeout(120_000);

const root = mkdtempSync(join(tmpdir(), "acr-train-cli-"));
const { children, runNode } = childProcesses();
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Runs the built `acr` in a process of its own; `onOut` sees what it prints so far. */
const acr = (args: string[], onOut: (text: string, child: ChildProcess) => void = () => undefined) =>
  runNode([join(__dirname, "../../bin/acr.js"), ...args], { cwd: root, onOut: (_, all, child) => onOut(all, child) });

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

it("acr train --skip-faulty tells of a picture that breaks off midway, and goes on; without the flag it names it", async () => {
  const { createSyntheticFaces } = await import("@acr/synthetic");
  const { convertDataset } = await import("@acr/datasets");
  const faces = join(root, "faces");
  await convertDataset(createSyntheticFaces({ count: 24, seed: 3, imageSize: 64 }), { to: "pts", out: faces });
  const pictures = readdirSync(faces).filter((name) => name.endsWith(".png"));
  // The ends are whole, so that opening the folder finds nothing; the picture's data are not.
  for (const name of [pictures[3]!, ...pictures.slice(0, 2)]) {
    const bytes = readFileSync(join(faces, name));
    writeFileSync(join(faces, name), bytes.fill(0, 60, bytes.length - 30));
  }
  const recipe = { ...RECIPE, dataset: "points", root: root, trainSplit: "faces", valSplit: "faces", batchSize: 1 };
  const file = join(root, "faulty.json");
  writeFileSync(
    file,
    JSON.stringify({ ...recipe, epochs: 2, accumulate: 5, logs: { ...RECIPE.logs, samplesEvery: 1 } }),
  );
  const refused = await acr(["train", file, "--out", join(root, "refused")]);
  expect(refused.code).toBe(2);
  expect(refused.err).toMatch(/acr: .*\.png: cannot be decoded: .*Replace or remove it\.\n$/);
  const out = join(root, "skipped");
  const { code, out: text, err } = await acr(["train", file, "--skip-faulty", "--out", out, "--events"]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const events = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const faults = events.filter(({ type }) => type === "fault");
  for (const epoch of [1, 2])
    for (const stage of ["train", "validation"]) {
      const named = faults.filter((fault) => fault.epoch === epoch && fault.stage === stage);
      expect(named.map(({ file: name }) => basename(name)).sort()).toEqual(
        [pictures[0], pictures[1], pictures[3]].sort(),
      );
    }
  const steps = events.filter(({ type, epoch }) => type === "step" && epoch === 1);
  expect(steps).toHaveLength(21);
  expect(steps.every(({ loss, batch, batchCount }) => loss > 0 && batch <= batchCount)).toBe(true);
  expect(events.filter(({ type }) => type === "epoch")).toHaveLength(2);
  const evaluated = ["evaluate", "--run", out, "--dataset", "points", "--root", root, "--split", "faces", "--json"];
  const scored = await acr([...evaluated, "--skip-faulty"]);
  expect(scored.code).toBe(0);
  expect(JSON.parse(scored.out).count).toBe(21);
  expect(scored.err).toContain(`left out: ${join(faces, pictures[3]!)}: cannot be decoded`);
  expect((await acr(evaluated)).code).toBe(2);
});

it("acr train warns of a batch that cannot fit, in numbers, before a step is tried, and then refuses the step", async () => {
  const file = join(root, "too-large.json");
  const large = { ...RECIPE, backbone: "mobilenet_v2_140", imageSize: 448, epochs: 1 };
  writeFileSync(file, JSON.stringify({ ...large, batchSize: 32, synthetic: { trainCount: 32, valCount: 1 } }));
  const { code, err } = await acr(["train", file, "--out", join(root, "too-large")]);
  expect(code).toBe(1);
  const warning =
    /^warning: batch 32 needs about (\S+) GB, (\S+) GB are there; a batch of at most (\d+) should fit$/m.exec(err)!;
  const [needed, available, batch] = warning.slice(1).map(Number) as [number, number, number];
  expect(needed).toBeGreaterThan(available);
  expect(available).toBeLessThanOrEqual(4);
  // What the batches need is in proportion, but for the weights.
  expect(Math.abs((needed * batch) / 32 / available - 1)).toBeLessThan(0.1);
  expect(err.indexOf("warning:")).toBeLessThan(err.indexOf("acr: optimizeForTraining: a training step with batch 32"));
  // A batch that fits is not warned of.
  const { code: ended, err: quiet } = await acr(["train", recipeFile, "--out", join(root, "fits")]);
  expect(ended).toBe(0);
  expect(quiet).not.toContain("warning");
});

const onLinux = process.platform === "linux" ? it : it.skip;

onLinux("acr train --out ends where no folder can be made, and where Node's own mkdir would hang", async () => {
  const timer = setTimeout(() => children.at(-1)!.kill("SIGKILL"), 30_000);
  const { code, err } = await acr(["train", recipeFile, "--out", "/proc/acr"]);
  clearTimeout(timer);
  expect(code).toBe(1);
  expect(err).toBe("acr: cannot make the folder /proc/acr: its folder is not there and cannot be made.\n");
});

const onPosix = process.platform === "win32" ? it.skip : it;

onPosix.each(["SIGINT", "SIGTERM"] as const)(
  "acr train ends with a checkpoint and code 130 on %s, and --resume finishes the run",
  async (signal) => {
    const out = join(root, signal);
    let sent = false;
    // Not the default loss: a run resumes with its own.
    const stopped = await acr(["train", recipeFile, "--loss", "l2", "--out", out, "--events"], (text, child) => {
      if (sent || !text.includes('"type":"step"')) return;
      sent = true;
      child.kill(signal);
    });
    expect(stopped.code).toBe(130);
    const events = stopped.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const [interrupted, last] = events.slice(-2);
    expect([interrupted.type, last.type, last.result.finished]).toEqual(["interrupted", "end", false]);
    expect(existsSync(interrupted.checkpoint)).toBe(true);

    const changed = await acr(["train", "--resume", "--out", out, "--epochs", "9"]);
    expect(changed.code).toBe(2);
    expect(changed.err).toMatch(/these fields differ from .*recipe\.json: epochs\. To go on .*--init/);
    const resumed = await acr(["train", "--resume", "--out", out, "--quiet", "--json"]);
    expect(resumed).toMatchObject({ code: 0, err: "" });
    const result = JSON.parse(resumed.out);
    expect(result.finished).toBe(true);
    expect(result.history.map(({ epoch }: { epoch: number }) => epoch)).toEqual([1, 2, 3]);
    expect(readFileSync(join(out, "metrics.jsonl"), "utf8").trim().split("\n")).toHaveLength(3);
  },
);

it("acr train --quiet says nothing, also when it is interrupted", async () => {
  const file = join(root, "long.json");
  writeFileSync(file, JSON.stringify({ ...RECIPE, epochs: 200 }));
  const out = join(root, "quiet");
  const running = acr(["train", file, "--quiet", "--out", out], () => undefined);
  while (!existsSync(join(out, "checkpoint", "last.bin"))) await new Promise((resolve) => setTimeout(resolve, 50));
  children.at(-1)!.kill("SIGINT");
  expect(await running).toMatchObject({ code: 130, out: "", err: "" });
});

it("acr ends without a stack when nobody reads its output any more", async () => {
  const { code, err } = await acr(
    ["train", recipeFile, "--events", "--out", join(root, "unread")],
    (_, child) => void child.stdout!.destroy(),
  );
  expect({ code, err }).toEqual({ code: 1, err: "" });
});
