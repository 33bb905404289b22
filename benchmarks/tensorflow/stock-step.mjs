// A training step as a user of tfjs-node has it, without our kernels: model.trainOnBatch with tfjs' Adam, on the TensorFlow
// that was installed. MODEL BATCH THREADS STEPS SIZE; prints a JSON line with the median milliseconds per image.
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { createBackbone } from "@acr/backbones";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";

const [name, ...numbers] = process.argv.slice(2);
const [batch, threads, steps, size] = numbers.map(Number);
process.env.TF_NUM_INTRAOP_THREADS = String(threads);
const folder = process.env.ACR_TENSORFLOW_DIR ?? join(homedir(), ".local/share/acr/tensorflow");
createRequire(import.meta.url)(join(folder, "engine.cjs"))(tf);
await tf.setBackend("tensorflow");
const backbone = createBackbone(name, { inputSize: size, pooling: "avg", dropPath: 0 });
const output = tfl.layers.dense({ units: 136 }).apply(backbone.outputs[0]);
const model = tfl.model({ inputs: backbone.inputs, outputs: output });
model.compile({ optimizer: tf.train.adam(), loss: "meanSquaredError" });
const x = tf.randomUniform([batch, size, size, 3]);
const y = tf.randomUniform([batch, 136]);
const times = [];
for (let i = 0; i < steps + 1; i++) {
  const started = performance.now();
  await model.trainOnBatch(x, y);
  times.push(performance.now() - started);
}
const sorted = times.slice(1).sort((a, b) => a - b);
console.log(JSON.stringify({ version: "tfjs-node 4.22", ms: sorted[sorted.length >> 1] / batch }));
process.exit(0);
