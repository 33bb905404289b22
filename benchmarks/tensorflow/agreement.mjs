#!/usr/bin/env node
/**
 * Holds the tensorflow backend with our kernels against others, in a process of its own for each engine:
 * - 50 training steps of a tiny landmark net beside wasm, from the same start on the same data;
 * - loss, gradients and moving statistics of a step of a whole net beside tfjs' cpu backend without our kernels. A gradient
 *   that is zero in theory (noise beside the others) counts by the largest of all.
 * Writes agreement.json beside this file; exits 1 where a curve is more than 1 % off or a tensor more than LIMIT.
 *
 *   npm run build && node benchmarks/tensorflow/agreement.mjs
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { setupBackend } from "@acr/backend";
import { optimizeForTraining } from "@acr/kernels";
import * as tf from "@tensorflow/tfjs-core";
import { imageRange, randomNet } from "../engine/random-net.mjs";
import { distanceOf, trainCurve } from "../engine/train-curve.mjs";

const STEPS = 50;
/** The net of the curve and that of the step: MobileNetV2 1.0 differs more in a step, probably at corners of ReLU6 (README.md). */
const PAIRS = [
  ["mobilenet_v2_100", "mobilenet_v2_035", 8],
  ["efficientnet_b0", "efficientnet_b0", 4],
];
const CURVE_LIMIT = 0.01;
/** Of the largest value of a tensor: what rounding does in nets of this depth. */
const LIMIT = 1e-3;
const CURVE_SIDE = 64;
const CURVE_BATCH = 8;
/** Halves the loss in 50 steps. At 1e-4 the curves of MobileNetV2 part by 7 % (README.md). */
const LEARNING_RATE = 3e-5;
const SIDE = 64;

const curve = (backbone) =>
  trainCurve({
    backbone,
    size: CURVE_SIDE,
    batch: CURVE_BATCH,
    steps: STEPS,
    pictures: "repeated",
    peak: LEARNING_RATE,
    warmUp: 0,
  });

function step(backbone, batch, isFused) {
  const model = randomNet(backbone, SIDE);
  const run = isFused ? optimizeForTraining(model) : model;
  const [low, high] = imageRange(backbone);
  // Noise: with smooth pictures rounding decides on which side of a corner of ReLU6 an activation falls (whole-net.md).
  const x = tf.randomUniform([batch, SIDE, SIDE, 3], low, high, "float32", 7);
  const target = tf.randomNormal([batch, model.outputs[0].shape[1]], 0, 1, "float32", 8);
  const variables = model.trainableWeights.map((weight) => weight.read());
  const { value, grads } = tf.variableGrads(
    () => tf.mean(tf.square(tf.sub(run.apply(x, { training: true }), target))),
    variables,
  );
  const values = (tensor) => [...tensor.dataSync()];
  return {
    loss: values(value),
    gradients: variables.map((variable) => values(grads[variable.name])),
    statistics: model.nonTrainableWeights.map((weight) => values(weight.read())),
  };
}

const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
function worst(actual, expected) {
  const all = Math.max(...expected.map(largest));
  return Math.max(
    ...expected.map((values, k) => {
      const own = largest(values);
      return largest(values.map((value, i) => value - actual[k][i])) / (own < 1e-4 * all ? all : own);
    }),
  );
}

const [task, backend, backbone, batch, isFused] = process.argv.slice(2);
if (task) {
  await setupBackend({ prefer: [backend], threads: 2 });
  const result = task === "curve" ? await curve(backbone) : step(backbone, Number(batch), isFused === "fused");
  process.stdout.write(JSON.stringify(result), () => process.exit(0));
} else {
  const self = fileURLToPath(import.meta.url);
  const run = (...args) =>
    JSON.parse(
      execFileSync(process.execPath, [self, ...args.map(String)], {
        encoding: "utf8",
        maxBuffer: 1e9,
        stdio: ["ignore", "pipe", "inherit"],
      }),
    );
  const rows = [];
  for (const [name, other, batch] of PAIRS) {
    const [actual, wasm] = ["tensorflow", "wasm"].map((backend) => run("curve", backend, name));
    const mine = run("step", "tensorflow", other, batch, "fused");
    const cpu = run("step", "cpu", other, batch, "plain");
    rows.push({
      backbone: name,
      curve: {
        steps: STEPS,
        side: CURVE_SIDE,
        batch: CURVE_BATCH,
        learningRate: LEARNING_RATE,
        firstLoss: wasm.losses[0],
        lastLoss: wasm.losses.at(-1),
        largestDistanceFromWasm: distanceOf(actual.losses, wasm.losses),
        leakedTensors: actual.leaked,
      },
      step: {
        backbone: other,
        side: SIDE,
        batch,
        loss: Math.abs(mine.loss[0] / cpu.loss[0] - 1),
        gradients: worst(mine.gradients, cpu.gradients),
        statistics: worst(mine.statistics, cpu.statistics),
      },
    });
    console.error(JSON.stringify(rows.at(-1)));
  }
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  const machine = `${cpus().length} × ${cpus()[0].model}, Node ${process.versions.node}`;
  writeFileSync(new URL("agreement.json", import.meta.url), `${JSON.stringify({ machine, commit, rows }, null, 2)}\n`);
  const isFine = rows.every(
    ({ curve, step }) =>
      curve.largestDistanceFromWasm <= CURVE_LIMIT &&
      curve.leakedTensors === 0 &&
      Math.max(step.gradients, step.statistics) <= LIMIT,
  );
  process.exit(isFine ? 0 : 1);
}
