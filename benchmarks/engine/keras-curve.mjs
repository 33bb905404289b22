// Trains one backbone from the same start on the same batches with Keras in float64 and float32 and with the fused kernels
// on 1 and 2 threads (2 twice), and prints the largest relative distances of the loss curves from float64's.
//   KERAS_PYTHON=…/python node benchmarks/engine/keras-curve.mjs [BACKBONE] [side] [batch] [steps] [learningRate]
// Plain SGD: Adam divides by the gradient's own size, so the sign of noise would move weights whose gradient is zero in theory.
// Exits 1 beyond 1 %, or where the repeat is not bit-identical.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { saveKerasWeights } from "@acr/backbones";
import { setupBackend } from "@acr/backend";
import { optimizeForTraining } from "@acr/kernels";
import * as tf from "@tensorflow/tfjs-core";
import { imageRange, randomImages, randomNet } from "./random-net.mjs";

const [backbone = "mobilenet_v2_035", ...numbers] = process.argv.slice(2);
const [size = 64, batch = 16, steps = 50, learningRate = 0.05] = numbers.map(Number);
const BATCHES = 4;
const folder = mkdtempSync(join(tmpdir(), "keras-curve-"));

async function curve(threads, isFused) {
  await setupBackend({ prefer: ["wasm"], threads });
  const model = randomNet(backbone, size);
  const run = isFused ? optimizeForTraining(model) : model;
  const variables = model.trainableWeights.map((weight) => weight.read());
  const images = randomImages(BATCHES * batch, size, ...imageRange(backbone), 7);
  const targets = tf.randomUniform([BATCHES * batch, model.outputs[0].shape[1]], 0, 1, "float32", 9);
  await saveKerasWeights(model, join(folder, "start.weights.h5"));
  writeFileSync(join(folder, "images.f32"), images.dataSync());
  writeFileSync(join(folder, "targets.f32"), targets.dataSync());
  const losses = [];
  for (let i = 0; i < steps; i++) {
    const first = (i % BATCHES) * batch;
    tf.tidy(() => {
      const { value, grads } = tf.variableGrads(
        () =>
          tf.mean(
            tf.square(
              tf.sub(run.apply(tf.slice(images, first, batch), { training: true }), tf.slice(targets, first, batch)),
            ),
          ),
        variables,
      );
      for (const variable of variables) variable.assign(tf.sub(variable, tf.mul(grads[variable.name], learningRate)));
      losses.push(value.dataSync()[0]);
    });
  }
  tf.dispose([images, targets]);
  model.dispose();
  return losses;
}

const curves = {
  "fused, 1 thread": await curve(1, true),
  "fused, 2 threads": await curve(2, true),
  "plain on wasm, 2 threads": await curve(2, false),
};
const again = await curve(2, true);
const { KERAS_PYTHON = "python3" } = process.env;
const script = fileURLToPath(new URL("peers/keras_curve.py", import.meta.url));
const args = [script, backbone, folder, size, batch, steps, learningRate].map(String);
const output = execFileSync(KERAS_PYTHON, args, {
  encoding: "utf8",
  stdio: ["ignore", "pipe", "inherit"],
});
const keras = JSON.parse(output.trim().split("\n").at(-1));
rmSync(folder, { recursive: true });
curves["Keras, float32"] = keras.float32;
const distances = Object.fromEntries(
  Object.entries(curves).map(([name, losses]) => [
    name,
    Math.max(...losses.map((loss, i) => Math.abs(loss / keras.float64[i] - 1))),
  ]),
);
const isRepeated = again.every((loss, i) => Object.is(loss, curves["fused, 2 threads"][i]));
const [first, last] = [keras.float64[0], keras.float64.at(-1)];
console.log(
  JSON.stringify({
    backbone,
    side: size,
    batch,
    steps,
    learningRate,
    version: keras.version,
    first,
    last,
    distances,
    isRepeated,
  }),
);
const isFine = Object.entries(distances).every(([name, distance]) => !name.startsWith("fused") || distance <= 0.01);
process.exit(isFine && isRepeated ? 0 : 1);
