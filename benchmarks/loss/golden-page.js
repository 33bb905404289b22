// Runs in the browser: golden batches on each backend, the worst deviation of each loss. See golden-browser.mjs.
import * as losses from "@acr/loss";
import "@tensorflow/tfjs-backend-cpu";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-backend-webgl";
import "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";

const lossesByName = { ...losses };

/** Below this share of the largest expected number, a deviation is measured against that share. */
const FLOOR = 1e-3;

function worst(actual, expected) {
  const floor = FLOOR * Math.max(...expected.map(Math.abs));
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  expected.forEach((value, i) => {
    const difference = Math.abs(actual[i] - value);
    if (difference === 0) return;
    const relative = difference / Math.max(Math.abs(value), floor);
    largest = Number.isNaN(relative) ? Number.POSITIVE_INFINITY : Math.max(largest, relative);
  });
  return largest;
}

async function numbers(tensor) {
  const data = await tensor.data();
  tensor.dispose();
  return data;
}

async function compare(batch, deviations) {
  const predictions = tf.tensor3d(batch.predictions);
  const targets = tf.tensor3d(batch.targets);
  const perCoordinate = tf.tensor3d(batch.difficulty);
  const perPoint = tf.tensor2d(batch.difficultyPerPoint);
  const batchWeights = tf.tensor2d(batch.weights);
  let compared = 0;
  for (const golden of batch.losses) {
    for (const [expected, weights] of [
      [golden, undefined],
      [golden.weighted, batchWeights],
    ]) {
      if (!expected) continue;
      const options = {
        ...golden.options,
        ...(golden.name === "acrLoss" && { difficulty: golden.difficultyPerPoint ? perPoint : perCoordinate }),
        ...(weights && { weights }),
      };
      const loss = lossesByName[golden.name];
      const { value, grad } = tf.valueAndGrad((p) => loss(p, targets, options))(predictions);
      const pairs = {
        perElement: [loss(predictions, targets, { ...options, reduction: "none" }), expected.perElement.flat(2)],
        sum: [loss(predictions, targets, { ...options, reduction: "sum" }), [expected.sum]],
        mean: [value, [expected.mean]],
        gradient: [grad, expected.gradientOfMean.flat(2)],
      };
      deviations[golden.name] ??= {};
      for (const [what, [tensor, wanted]] of Object.entries(pairs)) {
        const previous = deviations[golden.name][what] ?? 0;
        deviations[golden.name][what] = Math.max(previous, worst(await numbers(tensor), wanted));
        compared += wanted.length;
      }
    }
  }
  tf.dispose([predictions, targets, perCoordinate, perPoint, batchWeights]);
  return compared;
}

async function run(backend, batches) {
  if (!(await tf.setBackend(backend).catch(() => false))) return { skipped: "this browser does not offer it" };
  await tf.ready();
  const before = tf.memory().numTensors;
  const started = performance.now();
  const deviations = {};
  let compared = 0;
  for (const batch of batches) compared += await compare(batch, deviations);
  return {
    compared,
    leakedTensors: tf.memory().numTensors - before,
    seconds: Math.round((performance.now() - started) / 1000),
    ...(backend === "webgl" && { float32Textures: tf.env().getBool("WEBGL_RENDER_FLOAT32_ENABLED") }),
    deviations,
  };
}

const report = (result) => fetch("/result", { method: "POST", body: JSON.stringify(result) });
try {
  setWasmPaths("/wasm/");
  const { backends, files } = await (await fetch("/golden.json")).json();
  const batches = await Promise.all(files.map(async (file) => (await fetch(`/golden/${file}`)).json()));
  const results = {};
  for (const backend of backends) results[backend] = await run(backend, batches);
  await report({ tfjs: tf.version_core, results });
} catch (error) {
  await report({ error: String(error?.stack ?? error) });
}
