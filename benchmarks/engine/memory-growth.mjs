#!/usr/bin/env node
/**
 * Trains for 200 steps on wasm and watches the tensors, the wasm memory and the resident set: exits 1 where the number
 * of tensors or the wasm memory is larger after the last step than after step 20, or the resident set by more than 10 %.
 *
 *   npm run build && node benchmarks/engine/memory-growth.mjs [--backbone mobilenet_v2_100] [--image-size 64]
 *     [--batch-size 8] [--steps 200] [--threads 2] [--json]
 */
import { parseArgs } from "node:util";
import { createLandmarkModel } from "@acr/backbones";
import { setupBackend } from "@acr/backend";
import { FusedAdam, optimizeForTraining } from "@acr/kernels";
import * as tf from "@tensorflow/tfjs-core";

const WARM_UP = 20;
const RESIDENT_TOLERANCE = 0.1;
const text = (value) => ({ type: "string", default: value });
const { values } = parseArgs({
  options: {
    backbone: text("mobilenet_v2_100"),
    "image-size": text("64"),
    "batch-size": text("8"),
    steps: text("200"),
    threads: text("2"),
    json: { type: "boolean", default: false },
  },
});
const [imageSize, batchSize, steps, threads] = ["image-size", "batch-size", "steps", "threads"].map((name) => {
  const number = Number(values[name]);
  if (!Number.isInteger(number) || number < 1) {
    console.error(`memory-growth: --${name} must be an integer >= 1; got ${values[name]}.`);
    process.exit(2);
  }
  return number;
});
if (steps <= WARM_UP) {
  console.error(`memory-growth: --steps must be more than ${WARM_UP}; got ${steps}.`);
  process.exit(2);
}

await setupBackend({ prefer: ["wasm"], threads });
const model = createLandmarkModel({ backbone: values.backbone, imageSize, landmarkCount: 68, seed: 1 });
const fused = optimizeForTraining(model);
const variables = model.trainableWeights.map((weight) => weight.read());
const adam = new FusedAdam({ learningRate: 1e-4 });

const { wasm } = tf.backend();
const measure = (step) => ({
  step,
  tensors: tf.memory().numTensors,
  wasmMb: Math.round((wasm.wasmMemory ?? wasm.asm.memory).buffer.byteLength / 2 ** 20),
  residentMb: Math.round(process.memoryUsage.rss() / 2 ** 20),
});
const measured = [];
for (let step = 1; step <= steps; step++) {
  tf.tidy(() => {
    const x = tf.randomUniform([batchSize, imageSize, imageSize, 3], 0, 255, "float32", step);
    const y = tf.randomUniform([batchSize, 68, 2], -0.5, 0.5, "float32", step);
    const { grads } = tf.variableGrads(
      () => tf.mean(tf.square(tf.sub(fused.apply(x, { training: true }), y))),
      variables,
    );
    adam.applyGradients(grads);
  });
  if (step === WARM_UP || step === steps || step % 50 === 0) measured.push(measure(step));
}

const [first, last] = [measured[0], measured.at(-1)];
const isSteady =
  last.tensors === first.tensors &&
  last.wasmMb === first.wasmMb &&
  last.residentMb <= first.residentMb * (1 + RESIDENT_TOLERANCE);
const peakMb = Math.round(process.resourceUsage().maxRSS / 2 ** 10);
if (values.json) {
  const setting = { backbone: values.backbone, imageSize, batchSize, threads, node: process.version };
  console.log(JSON.stringify({ ...setting, peakMb, isSteady, measured }, null, 2));
} else {
  console.table(measured);
  console.log(`peak ${peakMb} MB; ${isSteady ? "no growth" : "GROWS"} from step ${first.step} to ${last.step}`);
}
process.exit(isSteady ? 0 : 1);
