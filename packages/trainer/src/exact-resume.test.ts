import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { loadCheckpoint, type RecipeInput, runFiles } from "./index.js";

/** Everything that has a state: dropout, averages, accumulation over an odd number of batches, a plateau, stages. */
const RECIPE: RecipeInput = {
  synthetic: { trainCount: 20, valCount: 4 },
  backbone: "mobilenet_v2_035",
  imageSize: 32,
  dropout: 0.3,
  loss: "acr",
  lossOptions: { scale: 10 },
  labelSmoothing: { amount: 0.1 },
  epochs: 3,
  batchSize: 4,
  accumulate: 2,
  checkpointSteps: 2,
  learningRateSchedule: { name: "plateau", patience: 1 },
  optimizer: { clipNorm: 1 },
  ema: { decay: 0.9 },
  logs: { samplesEvery: 2, histogramsEvery: 0 },
  seed: 3,
  backend: "wasm",
};

interface ChildEvent {
  type: string;
  epoch?: number;
  batch?: number;
}

const root = mkdtempSync(join(tmpdir(), "acr-resume-"));
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(root, { recursive: true, force: true });
});

/** Runs a training process; kills it with SIGKILL at the event that `killAt` says. Resolves to whether it ended by itself. */
async function trainInChild(
  folder: string,
  recipe: RecipeInput | "resume",
  killAt: (event: ChildEvent) => boolean = () => false,
): Promise<boolean> {
  const script = join(__dirname, "__fixtures__", "train-child.mjs");
  const child = spawn(process.execPath, [script, folder, recipe === "resume" ? recipe : JSON.stringify(recipe)], {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: __dirname,
  });
  children.push(child);
  let errors = "";
  child.stderr.on("data", (text) => {
    errors += text;
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (killAt(JSON.parse(line))) child.kill("SIGKILL");
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.on("close", (...end) => resolve(end));
  });
  if (signal === "SIGKILL") return false;
  if (code !== 0) throw new Error(`The child ended with ${code}: ${errors}`);
  return true;
}

/** Weights, slots and averages of the last checkpoint, and the metrics without times. */
async function fingerprint(folder: string) {
  const { arrays, history, step } = await loadCheckpoint(runFiles(folder).checkpoint);
  const hash = createHash("sha256");
  for (const [name, array] of Object.entries(arrays)) hash.update(name).update(new Uint8Array(array.buffer));
  const { model } = runFiles(folder);
  const lines = readFileSync(runFiles(folder).metrics, "utf8").trim().split("\n");
  return {
    arrays: hash.digest("hex"),
    arrayCount: Object.keys(arrays).length,
    best: createHash("sha256")
      .update(readFileSync(join(model, "weights.bin")))
      .digest("hex"),
    step,
    scores: history.map(({ epoch, trainLoss, nmePercent, learningRate, modes }) => ({
      epoch,
      trainLoss,
      nmePercent,
      learningRate,
      modes,
    })),
    epochs: lines.map((line) => JSON.parse(line).epoch),
  };
}

/** When processes of one run are killed, one after the other. */
const KILLS: ((event: ChildEvent) => boolean)[] = [
  // Before the first checkpoint.
  ({ type }) => type === "start",
  // In the middle of an epoch, between two checkpoints.
  ({ type, epoch, batch }) => type === "step" && epoch === 1 && batch === 3,
  // While the checkpoint of an epoch is being written: it follows this event at once.
  ({ type, epoch }) => type === "epoch" && epoch === 2,
];

it.each([1, 2])(
  "a run on wasm with %d thread(s) that is killed again and again ends with the same bits",
  async (threads) => {
    const recipe = { ...RECIPE, threads };
    const whole = join(root, `whole-${threads}`);
    expect(await trainInChild(whole, recipe)).toBe(true);
    const expected = await fingerprint(whole);
    expect(expected.epochs).toEqual([1, 2, 3]);
    expect(expected.step).toBe(9);

    const broken = join(root, `broken-${threads}`);
    let next: RecipeInput | "resume" = recipe;
    for (const killAt of KILLS) {
      expect(await trainInChild(broken, next, killAt)).toBe(false);
      next = "resume";
    }
    expect(existsSync(runFiles(broken).recipe)).toBe(true);
    expect(await trainInChild(broken, "resume")).toBe(true);
    expect(await fingerprint(broken)).toEqual(expected);
  },
  120_000,
);
