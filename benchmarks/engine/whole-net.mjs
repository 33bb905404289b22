// Compares whole nets through the fused kernels (wasm, 1 and 2 threads) with the plain model on tfjs' cpu backend.
// Two correct float32 programs differ as much as the net amplifies rounding; the plain model on wasm shows how much that is.
//   node benchmarks/engine/whole-net.mjs gradients BACKBONE [side] [batch] [smooth|noise]   loss, gradients and moving statistics of a step
//   node benchmarks/engine/whole-net.mjs inference BACKBONE [side] [batch] [smooth|noise]   the output
// Prints a JSON line: for each program the largest error over all tensors, each by its tensor's largest value.
import { setupBackend } from "@acr/backend";
import { optimizeForTraining } from "@acr/kernels";
import * as tf from "@tensorflow/tfjs-core";
import { imageRange, randomImages, randomNet } from "./random-net.mjs";

const [mode = "gradients", backbone = "mobilenet_v2_035", side = "64", batch = "8", pictures = "smooth"] =
  process.argv.slice(2);
const size = Number(side);
const count = Number(batch);

async function pass(backend, threads, isFused) {
  await setupBackend({ prefer: [backend], threads });
  const model = randomNet(backbone, size);
  const result = tf.tidy(() => {
    const run = isFused ? optimizeForTraining(model) : model;
    const [low, high] = imageRange(backbone);
    const x =
      pictures === "noise"
        ? tf.randomUniform([count, size, size, 3], low, high, "float32", 7)
        : randomImages(count, size, low, high, 7);
    if (mode === "inference") return new Map([["output", run.predict(x).dataSync().slice()]]);
    const target = tf.randomNormal([count, model.outputs[0].shape[1]], 0, 1, "float32", 8);
    const variables = model.trainableWeights.map((weight) => weight.read());
    const { value, grads } = tf.variableGrads(
      () => tf.mean(tf.square(tf.sub(run.apply(x, { training: true }), target))),
      variables,
    );
    return new Map([
      ["loss", value.dataSync().slice()],
      ...model.trainableWeights.map((weight, i) => [weight.originalName, grads[variables[i].name].dataSync().slice()]),
      ...model.nonTrainableWeights.map((weight) => [weight.originalName, weight.read().dataSync().slice()]),
    ]);
  });
  model.dispose();
  return result;
}

const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const isStatistic = (name) => name.includes("moving_");

/** The worst tensor of a kind. A gradient that is zero in theory (noise beside the others) counts by the largest of all. */
function worst(actual, expected, wanted) {
  const names = [...expected.keys()].filter(wanted);
  const all = Math.max(...names.map((name) => largest(expected.get(name))));
  return names
    .map((name) => {
      const [a, b] = [actual.get(name), expected.get(name)];
      const scale = largest(b) < 1e-4 * all ? all : largest(b);
      const errors = a.map((value, i) => Math.abs(value - b[i]) / scale);
      const beyond = errors.filter((error) => error > 1e-3).length;
      return { error: largest(errors), name, beyond: `${beyond} of ${b.length} beyond 1e-3` };
    })
    .sort((a, b) => b.error - a.error)[0];
}

const fused1 = await pass("wasm", 1, true);
const fused2 = await pass("wasm", 2, true);
const again = await pass("wasm", 2, true);
const plain = await pass("wasm", 2, false);
const started = performance.now();
const cpu = await pass("cpu", 1, false);
const programs = { "fused, 1 thread": fused1, "fused, 2 threads": fused2, "plain on wasm": plain };
/** Which of the programs stands apart is seen when those on wasm are compared with each other. */
const references = { cpu, "plain on wasm": plain };
const kinds =
  mode === "inference"
    ? { output: () => true }
    : {
        loss: (name) => name === "loss",
        gradients: (name) => name !== "loss" && !isStatistic(name),
        statistics: isStatistic,
      };
const compared = [];
for (const [program, values] of Object.entries(programs)) {
  for (const [reference, expected] of Object.entries(references)) {
    if (values === expected) continue;
    const errors = Object.entries(kinds).map(([kind, wanted]) => [kind, worst(values, expected, wanted)]);
    compared.push({ program, reference, ...Object.fromEntries(errors) });
  }
}
const isRepeated = [...fused2].every(([name, values]) =>
  values.every((value, i) => Object.is(value, again.get(name)[i])),
);
const seconds = Math.round((performance.now() - started) / 1000);
console.log(
  JSON.stringify({ mode, backbone, side: size, batch: count, pictures, compared, isRepeated, cpuSeconds: seconds }),
);
process.exit(0);
