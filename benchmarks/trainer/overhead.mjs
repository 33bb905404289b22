#!/usr/bin/env node
/**
 * What a training step of `train` costs over a bare one (`acr bench`, `benchmarkStep`): data, labels, difficulty, optimizer,
 * events, logs and all. In one process, in turn: some bare steps, some of the run.
 *
 *   node benchmarks/trainer/overhead.mjs [--threads 1] [--rounds 20] [--steps 6] [--loss acr] [--root DIR] [--out FILE]
 *
 * `--root` is a folder with 300-W; without it faces are drawn on the fly. The first epoch, in which pictures are decoded and
 * the engine warms up, comes before the measurement; its mean overhead is told apart. While bare steps run, the loader
 * prepares its few batches ahead and then rests; the first steps of each turn, which those batches would make cheaper, are
 * not counted. Needs the built packages.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { setupBackend } from "@acr/backend";
import { benchmarkStep, train } from "@acr/trainer";
import { machineAndCommit, median } from "../engine/rounds.mjs";

const { values } = parseArgs({
  options: {
    threads: { type: "string", default: "1" },
    rounds: { type: "string", default: "20" },
    steps: { type: "string", default: "6" },
    loss: { type: "string", default: "acr" },
    root: { type: "string" },
    out: { type: "string" },
  },
});
const [threads, rounds, steps] = [values.threads, values.rounds, values.steps].map(Number);
/** Batches that the loader may have ready. */
const AHEAD = 6;
const size = { backbone: "mobilenet_v2_050", imageSize: 112, batchSize: 16 };

const scratch = mkdtempSync(join(tmpdir(), "acr-overhead-"));
try {
  await setupBackend({ prefer: ["wasm"], threads });
  const source = values.root
    ? { dataset: "300w", root: values.root, trainSplit: "lfpw/trainset", valSplit: "lfpw/testset" }
    : { synthetic: { trainCount: 800, valCount: 64 } };
  const run = train({
    recipe: { ...source, ...size, loss: values.loss, epochs: 1000, backend: "wasm", threads },
    folder: join(scratch, "run"),
  });
  const bare = [];
  const whole = [];
  const ratios = [];
  let last;
  let firstEpoch;
  for (;;) {
    const { value } = await run.next();
    if (value.type !== "epoch") continue;
    if (value.epoch === 2) break;
    firstEpoch = 1000 / value.imagesPerSecond;
  }
  for (let round = 0; round <= rounds; round++) {
    const { millisecondsPerImage } = await benchmarkStep({ ...size, steps, mode: "train" });
    const times = [];
    let asked = performance.now();
    while (times.length < steps + AHEAD) {
      const { value, done } = await run.next();
      if (done) throw new Error("the run has ended");
      const now = performance.now();
      if (value.type === "step") {
        times.push((now - asked) / size.batchSize);
        last = value;
      }
      asked = performance.now();
    }
    // The first round warms up.
    if (round === 0) continue;
    const step = median(times.slice(AHEAD));
    bare.push(millisecondsPerImage);
    whole.push(step);
    ratios.push(step / millisecondsPerImage);
    console.error(`${round}/${rounds}: bare ${millisecondsPerImage.toFixed(2)}, run ${step.toFixed(2)} ms/image`);
  }
  await run.return();
  const record = {
    ...size,
    backend: "wasm",
    threads,
    loss: values.loss,
    faces: values.root ? "300-W" : "drawn",
    rounds,
    steps,
    bareMillisecondsPerImage: Number(median(bare).toFixed(3)),
    runMillisecondsPerImage: Number(median(whole).toFixed(3)),
    overheadPercent: Number((100 * (median(ratios) - 1)).toFixed(2)),
    overheadPercentByRound: ratios.map((ratio) => Number((100 * (ratio - 1)).toFixed(2))),
    firstEpochMillisecondsPerImage: Number(firstEpoch.toFixed(3)),
    waitPercent: Number(last.waitPercent.toFixed(2)),
    node: process.version,
    ...machineAndCommit(),
  };
  console.log(JSON.stringify(record, null, 2));
  if (values.out) writeFileSync(values.out, `${JSON.stringify(record, null, 2)}\n`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
