import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvalidArgumentError } from "@acr/core";
import {
  createLocalExecutor,
  readSweep,
  type SweepEvent,
  type SweepOptions,
  sweep,
  type TrialRunner,
} from "./index.js";

const root = mkdtempSync(join(tmpdir(), "acr-sweep-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;
const freeFolder = () => join(root, `${count++}`);

async function collect(options: SweepOptions): Promise<SweepEvent[]> {
  const events: SweepEvent[] = [];
  for await (const event of sweep(options)) events.push(event);
  return events;
}
const typesOf = (events: SweepEvent[]) => events.map(({ type }) => type);

/** Trials that learn at once: the NME is the batch size minus a hundredth an epoch. */
const pretend =
  (calls: string[] = []): TrialRunner =>
  async (trial, { untilEpoch }) => {
    calls.push(`${trial.recipe.batchSize}@${untilEpoch}`);
    const nmePercent = trial.recipe.batchSize - untilEpoch / 100;
    return { nmePercent, bestEpoch: untilEpoch, epochs: untilEpoch, seconds: untilEpoch };
  };

const PLAN = { recipe: { epochs: 9 }, parameters: { batchSize: [5, 3, 4, 9, 8, 7] } };

it("sweep runs every trial once, records each, and a second call finds nothing to do", async () => {
  const folder = freeFolder();
  const calls: string[] = [];
  const events = await collect({ plan: PLAN, folder, executor: createLocalExecutor({ run: pretend(calls) }) });
  expect(calls).toEqual(["5@9", "3@9", "4@9", "9@9", "8@9", "7@9"]);
  expect(typesOf(events)).toEqual(["start", ...calls.flatMap(() => ["trial-start", "trial-end"]), "end"]);
  const { results } = await readSweep(folder);
  expect(results.map(({ index, status, attempts }) => [index, status, attempts])).toEqual(
    calls.map((_, index) => [index, "finished", 1]),
  );
  const again = await collect({ plan: PLAN, folder, executor: createLocalExecutor({ run: pretend(calls) }) });
  expect(typesOf(again)).toEqual(["start", "end"]);
  expect(calls).toHaveLength(6);
});

it("sweep with halving goes on with the best third after each rung", async () => {
  const folder = freeFolder();
  const calls: string[] = [];
  const plan = { ...PLAN, halving: { minEpochs: 1, eta: 3 } };
  const events = await collect({ plan, folder, executor: createLocalExecutor({ run: pretend(calls) }) });
  expect(calls).toEqual(["5@1", "3@1", "4@1", "9@1", "8@1", "7@1", "3@3", "4@3", "3@9"]);
  expect(events.filter(({ type }) => type === "rung")).toHaveLength(2);
  const { results } = await readSweep(folder);
  expect(results.map(({ status }) => status)).toEqual(["pruned", "finished", "pruned", "pruned", "pruned", "pruned"]);
});

it("sweep that was stopped goes on where it was, at any point, to the same results", async () => {
  const plan = { ...PLAN, halving: { minEpochs: 1, eta: 3 } };
  const whole = freeFolder();
  await collect({ plan, folder: whole, executor: createLocalExecutor({ run: pretend() }) });
  const strip = async (folder: string) =>
    (await readSweep(folder)).results.map(({ id, status, nmePercent, epochs }) => ({ id, status, nmePercent, epochs }));
  const folder = freeFolder();
  const calls: string[] = [];
  for (let go = 0; go < 9; go++) {
    const abort = new AbortController();
    const run: TrialRunner = async (trial, context) => {
      const outcome = await pretend(calls)(trial, context);
      abort.abort();
      return outcome;
    };
    await collect({ plan, folder, signal: abort.signal, executor: createLocalExecutor({ run }) });
  }
  expect(calls).toHaveLength(9);
  expect(await strip(folder)).toEqual(await strip(whole));
});

it("sweep records trials that fail and goes on; faults other than of the input are tried twice", async () => {
  const folder = freeFolder();
  let tries = 0;
  const run: TrialRunner = async (trial, context) => {
    if (trial.index === 0) throw new InvalidArgumentError("no good");
    if (trial.index === 1) {
      tries++;
      throw new Error("broken");
    }
    if (trial.index === 2 && tries++ === 2) throw new Error("once");
    return pretend()(trial, context);
  };
  await collect({ plan: PLAN, folder, executor: createLocalExecutor({ run }) });
  const { results } = await readSweep(folder);
  expect(results.slice(0, 4).map(({ status, attempts, error }) => [status, attempts, error])).toEqual([
    ["failed", 1, "no good"],
    ["failed", 2, "broken"],
    ["finished", 2, undefined],
    ["finished", 1, undefined],
  ]);
});

it("sweep refuses another plan or other files in its folder, and readSweep a folder without one", async () => {
  const folder = freeFolder();
  const executor = createLocalExecutor({ run: pretend() });
  await collect({ plan: PLAN, folder, executor });
  await expect(collect({ plan: { ...PLAN, seeds: [5] }, folder, executor })).rejects.toThrow("another plan");
  await expect(collect({ plan: PLAN, folder: root, executor })).rejects.toThrow("is not empty and holds no sweep");
  await expect(readSweep(join(root, "none"))).rejects.toThrow("holds no sweep");
  writeFileSync(join(folder, "results", readdirSync(join(folder, "results"))[0]!), "{");
  await expect(readSweep(folder)).rejects.toThrow("is not JSON");
});

it("sweep really trains, and a trial stopped at a rung goes on from its checkpoint", async () => {
  const folder = freeFolder();
  const recipe = {
    ...{ synthetic: { trainCount: 4, valCount: 2 }, backbone: "mobilenet_v2_035", imageSize: 32, batchSize: 4 },
    ...{ epochs: 2, backend: "wasm", threads: 1, logs: { tensorboard: false, samplesEvery: 0 } },
  };
  const plan = { recipe, parameters: { loss: ["l1", "l2"] }, halving: { minEpochs: 1, eta: 2 } };
  await collect({ plan, folder });
  const { results } = await readSweep(folder);
  expect(results.map(({ status }) => status).sort()).toEqual(["finished", "pruned"]);
  expect(results.find(({ status }) => status === "finished")).toMatchObject({ epochs: 2, attempts: 2 });
}, 240_000);
