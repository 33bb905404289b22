// A training step as a user of tfjs-node has it, without our kernels: model.trainOnBatch with tfjs' Adam, on the TensorFlow
// that was installed, for rounds.mjs: MODEL BATCH THREADS MODE SIZE.
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { createBackbone } from "@acr/backbones";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { serve } from "../engine/peers/serve.mjs";

const [name, batchText, threads, , sizeText] = process.argv.slice(2);
const batch = Number(batchText);
const size = Number(sizeText);
process.env.TF_NUM_INTRAOP_THREADS = threads;
const folder = process.env.ACR_TENSORFLOW_DIR ?? join(homedir(), ".local/share/acr/tensorflow");
createRequire(import.meta.url)(join(folder, "engine.cjs"))(tf);
await tf.setBackend("tensorflow");
const backbone = createBackbone(name, { inputSize: size, pooling: "avg", dropPath: 0 });
const output = tfl.layers.dense({ units: 136 }).apply(backbone.outputs[0]);
const model = tfl.model({ inputs: backbone.inputs, outputs: output });
model.compile({ optimizer: tf.train.adam(), loss: "meanSquaredError" });
const x = tf.randomUniform([batch, size, size, 3]);
const y = tf.randomUniform([batch, 136]);
await serve(() => model.trainOnBatch(x, y), batch, "tfjs-node 4.22");
