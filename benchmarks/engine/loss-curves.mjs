#!/usr/bin/env node
/**
 * Trains one net from the same start on the same batches on cpu and through the fused kernels on wasm: 1 and 2 threads, plain
 * and relaxed SIMD. Prints how far the loss curves lie from cpu's at most, and keeps the curves in loss-curves.json and
 * loss-curves.md. Exits 1 beyond 1 %, or where a repeat with 2 threads is not bit-identical.
 *
 *   npm run build && node benchmarks/engine/loss-curves.mjs [--backbone mobilenet_v2_035] [--image-size 48] [--batch-size 16]
 *     [--steps 50] [--pictures noise|faces] [--fresh]
 *
 * Every step has a new batch, as in an epoch, and the rate of the default recipe's warm-up, step / 300 · 1e-3. cpu takes
 * hours for large settings; its curve is taken from loss-curves.json where that has it (`--fresh`: computed again).
 */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createLandmarkModel } from "@acr/backbones";
import { setupBackend } from "@acr/backend";
import { FusedAdam, optimizeForTraining, registerTrainingKernels } from "@acr/kernels";
import { createSyntheticFaces } from "@acr/synthetic";
import * as tf from "@tensorflow/tfjs-core";
import { run } from "./rounds.mjs";

const LANDMARKS = 68;
const LEARNING_RATE = 1e-3;
const WARM_UP_STEPS = 300;
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
if (!isValid || !["noise", "faces"].includes(pictures)) {
  console.error("loss-curves: sizes must be integers >= 1 and --pictures noise or faces.");
  process.exit(2);
}
const faces = createSyntheticFaces({ count: steps * batch, imageSize: Math.max(32, size), seed: 1 });

/** Pictures [batch, size, size, 3] from 0 to 255 and landmarks [batch, 68, 2] in the centered frame. */
async function batchOf(step) {
  if (pictures === "noise") {
    return [
      tf.randomUniform([batch, size, size, 3], 0, 255, "float32", 1 + step),
      tf.randomUniform([batch, LANDMARKS, 2], -0.5, 0.5, "float32", 1e6 + step),
    ];
  }
  const pixels = new Float32Array(batch * size * size * 3);
  const landmarks = new Float32Array(batch * LANDMARKS * 2);
  for (let i = 0; i < batch; i++) {
    const face = await faces.get(step * batch + i);
    pixels.set(face.image.data, i * size * size * 3);
    landmarks.set(
      face.landmarks.map((value) => value / size - 0.5),
      i * LANDMARKS * 2,
    );
  }
  return [tf.tensor(pixels, [batch, size, size, 3]), tf.tensor(landmarks, [batch, LANDMARKS, 2])];
}

/** The loss of each step on the current backend. */
async function train() {
  const model = createLandmarkModel({
    backbone,
    imageSize: size,
    landmarkCount: LANDMARKS,
    seed: 1,
    ...(backbone.startsWith("efficientnet") && { dropPath: 0 }),
  });
  const fused = optimizeForTraining(model);
  const variables = model.trainableWeights.map((weight) => weight.read());
  const adam = new FusedAdam();
  const losses = [];
  for (let step = 0; step < steps; step++) {
    const [x, y] = await batchOf(step);
    tf.tidy(() => {
      const { value, grads } = tf.variableGrads(
        () => tf.mean(tf.square(tf.sub(fused.apply(x, { training: true }), y))),
        variables,
      );
      adam.applyGradients(grads, { learningRate: (LEARNING_RATE * (step + 1)) / WARM_UP_STEPS });
      losses.push(value.dataSync()[0]);
    });
    tf.dispose([x, y]);
  }
  adam.dispose();
  model.dispose();
  return losses;
}

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
  reference = await train();
}
const apart = (losses) => losses.map((loss, i) => Math.abs(loss / reference[i] - 1));
const distances = Object.fromEntries(
  Object.entries(curves).map(([name, losses]) => [name, Math.max(...apart(losses))]),
);
const machine = `${cpus().length} × ${cpus()[0].model}, Node ${process.versions.node}`;
const commit = run("git", ["rev-parse", "--short", "HEAD"]).trim();
const row = { ...setting, machine, commit, isRepeated, distances, reference, curves };
const rows = [...readRows().filter((other) => !isSame(other)), row].sort(
  (a, b) => a.backbone.localeCompare(b.backbone) || a.pictures.localeCompare(b.pictures) || a.imageSize - b.imageSize,
);
writeFileSync(here("loss-curves.json"), `${JSON.stringify(rows, null, 2)}\n`);
run("npx", ["biome", "format", "--write", here("loss-curves.json")]);

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
