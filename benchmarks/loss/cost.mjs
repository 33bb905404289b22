#!/usr/bin/env node
/**
 * Cost of value and gradient of the losses at B = 64, K = 98, interleaved: one call of each in turn, medians and quartiles.
 * Ratios are to tfjs' own mean squared error (`plain L2`), and to `l2Loss`.
 *
 *   node benchmarks/loss/cost.mjs [--backend wasm|cpu] [--rounds 300] [--json]
 */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { createLoss, listLosses } from "@acr/loss";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
// Registers the gradients that the plain losses need.
import "@tensorflow/tfjs-layers";

const { values: options } = parseArgs({
  options: {
    backend: { type: "string", default: "wasm" },
    rounds: { type: "string", default: "300" },
    json: { type: "boolean", default: false },
  },
});
await tf.setBackend(options.backend);
const shape = [64, 98, 2];
const predictions = tf.randomNormal(shape, 0, 0.1, "float32", 1);
const targets = tf.randomNormal(shape, 0, 0.1, "float32", 2);
const difficulty = tf.randomUniform(shape, 0, 1, "float32", 3);

/** Eq. 6 of tfjs operations that have gradients (`where` has none by its condition); 1e-7 keeps that of `pow` finite. */
function composedAcr(p) {
  const delta = tf.add(tf.abs(tf.sub(p, targets)), 1e-7);
  const small = tf.mul(tf.log1p(tf.pow(tf.minimum(delta, 1), tf.sub(2, difficulty))), 5);
  return tf.mean(tf.add(small, tf.sub(tf.square(tf.maximum(delta, 1)), 1)));
}

const runs = {
  "plain L2: tf.losses.meanSquaredError": (p) => tf.losses.meanSquaredError(targets, p),
  "plain L2: tf.mean(tf.square(tf.sub(p, t)))": (p) => tf.mean(tf.square(tf.sub(p, targets))),
  "acrLoss, composed of tfjs operations": composedAcr,
  ...Object.fromEntries(
    listLosses().map((name) => {
      const loss = createLoss(name);
      return [`${name}Loss`, (p) => loss(p, targets, { difficulty })];
    }),
  ),
};
const times = Object.fromEntries(Object.keys(runs).map((name) => [name, []]));
const rounds = Number(options.rounds);
for (let round = 0; round < rounds + 30; round++) {
  for (const [name, run] of Object.entries(runs)) {
    const started = performance.now();
    tf.tidy(() => {
      const { value, grad } = tf.valueAndGrad(run)(predictions);
      value.dataSync();
      return grad;
    }).dispose();
    if (round >= 30) times[name].push((performance.now() - started) * 1000);
  }
}
const quantile = (list, q) => [...list].sort((a, b) => a - b)[Math.floor(q * (list.length - 1))];
const median = (name) => quantile(times[name], 0.5);
const [plain] = Object.keys(runs);
const rows = Object.keys(runs).map((name) => ({
  name,
  medianMicroseconds: Math.round(median(name)),
  lowerQuartile: Math.round(quantile(times[name], 0.25)),
  toPlainL2: Number((median(name) / median(plain)).toFixed(2)),
  toL2Loss: Number((median(name) / median("l2Loss")).toFixed(2)),
}));
const result = {
  backend: options.backend,
  shape,
  rounds,
  machine: `${cpus().length} × ${cpus()[0].model}`,
  node: process.version,
  tfjs: tf.version_core,
  rows,
};
if (options.json) console.log(JSON.stringify(result, null, 2));
else console.table(rows);
