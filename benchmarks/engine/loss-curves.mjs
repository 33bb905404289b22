#!/usr/bin/env node
/**
 * Trains one net from the same start on the same batches on cpu and through the fused kernels on wasm: 1 and 2 threads, plain
 * and relaxed SIMD. Prints how far the loss curves lie from cpu's at most, and keeps the curves in loss-curves.json and
 * loss-curves.md. Exits 1 beyond 1 %, or where a repeat with 2 threads is not bit-identical.
 *
 *   npm run build && node benchmarks/engine/loss-curves.mjs [--backbone mobilenet_v2_035] [--image-size 48] [--batch-size 16]
 *     [--steps 50] [--pictures noise|faces|repeated] [--fresh]
 *
 * Every step has a new batch, as in an epoch, and the rate of the default recipe's warm-up, step / 300 · 1e-3. cpu takes
 * hours for large settings; its curve is taken from loss-curves.json where that has it (`--fresh`: computed again).
 */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setupBackend } from "@acr/backend";
import { registerTrainingKernels } from "@acr/kernels";
import * as tf from "@tensorflow/tfjs-core";
import { run, writeJson } from "./rounds.mjs";
import { distanceOf, PICTURES, trainCurve } from "./train-curve.mjs";

const BOUND = 0.01;
const text = (value) => ({ type: "string", default: value });
const { values } = parseArgs({
  options: {
    backbone: text("mobilenet_v2_035"),
    "image-size": text("48"),
    "batch-size": text("16"),
    steps: text("50"),
    pictures: text("noise"),
    fresh: { type: "boolean", default: false },
  },
});
const { backbone, pictures } = values;
const [size, batch, steps] = ["image-size", "batch-size", "steps"].map((name) => Number(values[name]));
const isValid = [size, batch, steps].every((number) => Number.isInteger(number) && number > 0);
if (!isValid || !PICTURES.includes(pictures)) {
  console.error(`loss-curves: sizes must be integers >= 1 and --pictures one of ${PICTURES.join(", ")}.`);
  process.exit(2);
}
const train = async (hooks) => (await trainCurve({ backbone, size, batch, steps, pictures }, hooks)).losses;

/** On wasm with a chosen build of the kernels. */
async function trainOnWasm(threads, relaxedSimd) {
  // First with threads: this memory can be shared, and the kernels are registered anew on it.
  await setupBackend({ prefer: ["wasm"], threads: 2 });
  await setupBackend({ prefer: ["cpu"] });
  await tf.setBackend("wasm");
  const kernels = await registerTrainingKernels({ threads, relaxedSimd });
  if (kernels.threads !== threads || kernels.variant.endsWith("relaxed") !== relaxedSimd)
    throw new Error(`asked for ${threads} threads, relaxed SIMD ${relaxedSimd}; got ${JSON.stringify(kernels)}.`);
  const losses = await train();
  await kernels.undo();
  return losses;
}

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const readRows = () => {
  try {
    return JSON.parse(readFileSync(here("loss-curves.json"), "utf8"));
  } catch {
    return [];
  }
};
const setting = { backbone, imageSize: size, batchSize: batch, steps, pictures };
const isSame = (row) => Object.entries(setting).every(([name, value]) => row[name] === value);

const curves = {
  "1 thread, relaxed SIMD": await trainOnWasm(1, true),
  "2 threads, relaxed SIMD": await trainOnWasm(2, true),
  "1 thread, plain SIMD": await trainOnWasm(1, false),
  "2 threads, plain SIMD": await trainOnWasm(2, false),
};
const again = await trainOnWasm(2, true);
const isRepeated = again.every((loss, i) => Object.is(loss, curves["2 threads, relaxed SIMD"][i]));
let reference = values.fresh ? undefined : readRows().find(isSame)?.reference;
if (!reference) {
  await setupBackend({ prefer: ["cpu"] });
  reference = await train({
    afterStep: ({ losses }) => console.error(`cpu: step ${losses.length} of ${steps}, loss ${losses.at(-1)}`),
  });
}
const distances = Object.fromEntries(
  Object.entries(curves).map(([name, losses]) => [name, distanceOf(losses, reference)]),
);
const machine = `${cpus().length} × ${cpus()[0].model}, Node ${process.versions.node}`;
const commit = run("git", ["rev-parse", "--short", "HEAD"]).trim();
const row = { ...setting, machine, commit, isRepeated, distances, reference, curves };
const rows = [...readRows().filter((other) => !isSame(other)), row].sort(
  (a, b) => a.backbone.localeCompare(b.backbone) || a.pictures.localeCompare(b.pictures) || a.imageSize - b.imageSize,
);
writeJson(here("loss-curves.json"), rows);

const percent = (value) => `${(100 * value).toPrecision(2)} %`;
const names = Object.keys(curves);
writeFileSync(
  here("loss-curves.md"),
  `# Loss curves beside tfjs' cpu backend

\`node benchmarks/engine/loss-curves.mjs\`: the same start and batches, a new batch each step, the default recipe's warm-up
(rate step / 300 · 1e-3), mean squared error of 68 landmarks. Largest relative distance from cpu's loss over all steps.
Noise: uniform pictures and landmarks; faces: \`@acr/synthetic\`.

| backbone | px | batch | steps | pictures | first and last loss | ${names.join(" | ")} | repeat with 2 threads | commit |
|${" --- |".repeat(names.length + 8)}
${rows
  .map((r) =>
    [
      "",
      r.backbone,
      r.imageSize,
      r.batchSize,
      r.steps,
      r.pictures,
      `${r.reference[0].toPrecision(3)}, ${r.reference.at(-1).toPrecision(3)}`,
      ...names.map((name) => percent(r.distances[name])),
      r.isRepeated ? "bit-identical" : "DIFFERS",
      r.commit,
      "",
    ]
      .join(" | ")
      .trim(),
  )
  .join("\n")}
`,
);
console.log(JSON.stringify({ ...setting, isRepeated, distances }));
process.exit(isRepeated && Object.values(distances).every((distance) => distance <= BOUND) ? 0 : 1);
