#!/usr/bin/env node
/**
 * Where a training step on tensorflow spends its time: milliseconds and calls a step of each of TensorFlow's operations, and what is
 * left for tfjs and JavaScript.
 *
 *   npm run build && node benchmarks/tensorflow/profile.mjs [--backbone mobilenet_v2_100] [--side 224] [--batch 8] [--threads 2] [--steps 10]
 */
import { parseArgs } from "node:util";
import { createLandmarkModel } from "@acr/backbones";
import { setupBackend } from "@acr/backend";
import { FusedAdam, optimizeForTraining } from "@acr/kernels";
import * as tf from "@tensorflow/tfjs-core";

const WARM_UP_STEPS = 6;
const LANDMARKS = 68;
const { values } = parseArgs({
  options: {
    backbone: { type: "string", default: "mobilenet_v2_100" },
    side: { type: "string", default: "224" },
    batch: { type: "string", default: "8" },
    threads: { type: "string", default: "2" },
    steps: { type: "string", default: "10" },
  },
});
const [side, batch, threads, steps] = [values.side, values.batch, values.threads, values.steps].map(Number);

await setupBackend({ prefer: ["tensorflow"], threads });
const backend = tf.backend();
const { binding } = backend;
const spent = new Map();
let isOn = false;
// The binding's own properties cannot be replaced: a copy stands in for it.
const copy = Object.fromEntries(
  Object.getOwnPropertyNames(binding).map((key) => {
    const value = binding[key];
    return [key, typeof value === "function" ? value.bind(binding) : value];
  }),
);
copy.executeOp = (name, ...rest) => {
  const started = performance.now();
  const outputs = binding.executeOp(name, ...rest);
  if (isOn) {
    const { calls, ms } = spent.get(name) ?? { calls: 0, ms: 0 };
    spent.set(name, { calls: calls + 1, ms: ms + performance.now() - started });
  }
  return outputs;
};
backend.binding = copy;

const model = createLandmarkModel({
  backbone: values.backbone,
  imageSize: side,
  landmarkCount: LANDMARKS,
  head: "gap",
  seed: 1,
});
const fused = optimizeForTraining(model);
const adam = new FusedAdam({ learningRate: 1e-4 });
const variables = model.trainableWeights.map((weight) => weight.read());
const x = tf.randomUniform([batch, side, side, 3], 0, 255, "float32", 1);
const y = tf.randomUniform([batch, LANDMARKS, 2], -0.5, 0.5, "float32", 2);
async function step() {
  const loss = tf.tidy(() => {
    const { value, grads } = tf.variableGrads(
      () => tf.mean(tf.square(tf.sub(fused.apply(x, { training: true }), y))),
      variables,
    );
    adam.applyGradients(grads);
    return value;
  });
  await loss.data();
  loss.dispose();
}
for (let i = 0; i < WARM_UP_STEPS; i++) await step();
isOn = true;
const started = performance.now();
for (let i = 0; i < steps; i++) await step();
const wholeMs = (performance.now() - started) / steps;
const rows = [...spent]
  .map(([operation, { calls, ms }]) => ({ operation, calls: calls / steps, ms: ms / steps }))
  .sort((a, b) => b.ms - a.ms);
const inside = rows.reduce((sum, { ms }) => sum + ms, 0);
for (const { operation, calls, ms } of rows)
  console.log(operation.padEnd(36), String(calls).padStart(5), ms.toFixed(2).padStart(8));
console.log(
  `${wholeMs.toFixed(1)} ms a step: ${inside.toFixed(1)} in TensorFlow, ${(wholeMs - inside).toFixed(1)} outside`,
);
process.exit(0);
