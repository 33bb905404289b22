#!/usr/bin/env node
/**
 * Where a training step on tensorflow spends its time: calls, milliseconds and milliseconds of processor time a step of each of
 * TensorFlow's operations, what is left for tfjs and JavaScript, and page faults. Two threads that are never idle take twice as much
 * processor time as time.
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
/** Of all threads. */
function processorMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
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
copy.executeOp = (name, attributes, ids, count) => {
  // Without shapes, so that it runs at once.
  const rest = [attributes, ids, count];
  if (!isOn) return binding.executeOp(name, ...rest);
  const busy = processorMs();
  const started = performance.now();
  const outputs = binding.executeOp(name, ...rest);
  const { calls, ms, cpu } = spent.get(name) ?? { calls: 0, ms: 0, cpu: 0 };
  const took = performance.now() - started;
  spent.set(name, { calls: calls + 1, ms: ms + took, cpu: cpu + processorMs() - busy });
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
const before = { ...process.resourceUsage(), cpu: processorMs() };
const started = performance.now();
for (let i = 0; i < steps; i++) await step();
const wholeMs = (performance.now() - started) / steps;
const wholeCpu = (processorMs() - before.cpu) / steps;
const after = process.resourceUsage();
const faults = (after.minorPageFault - before.minorPageFault) / steps;
const systemMs = (after.systemCPUTime - before.systemCPUTime) / 1000 / steps;
const rows = [...spent]
  .map(([operation, { calls, ms, cpu }]) => ({ operation, calls: calls / steps, ms: ms / steps, cpu: cpu / steps }))
  .sort((a, b) => b.ms - a.ms);
const inside = rows.reduce((sum, { ms }) => sum + ms, 0);
const insideCpu = rows.reduce((sum, { cpu }) => sum + cpu, 0);
for (const { operation, calls, ms, cpu } of rows)
  console.log(operation.padEnd(36), String(calls).padStart(5), ms.toFixed(2).padStart(8), cpu.toFixed(2).padStart(8));
console.log(
  `${wholeMs.toFixed(1)} ms a step: ${inside.toFixed(1)} in TensorFlow, ${(wholeMs - inside).toFixed(1)} outside; ` +
    `processor ${wholeCpu.toFixed(1)} ms (${insideCpu.toFixed(1)} in TensorFlow; ${systemMs.toFixed(1)} the system's), ${faults.toFixed(0)} page faults`,
);
process.exit(0);
