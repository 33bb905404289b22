import { createLoss, packTargets, toLayersLoss } from "@acr/loss";
import * as tf from "@tensorflow/tfjs-core";
import { difficulty } from "./difficulty.mjs";
import { createModel, errorOf, inputs, landmarks } from "./project.mjs";

const packed = packTargets(landmarks, difficulty);
// With tf.data: tf.data.generator(batches), or tf.data.zip({ xs, ys }).batch(32). fitDataset needs no more than an iterator.
async function* batches() {
  for (let start = 0; start < 128; start += 32) {
    yield { xs: tf.slice(inputs, [start, 0], [32, -1]), ys: tf.slice(packed, [start, 0], [32, -1]) };
  }
}
const dataset = { iterator: async () => batches() };

const model = createModel();
model.compile({ optimizer: tf.train.adam(0.005), loss: toLayersLoss(createLoss("acr", { scale: 10 })) });
await model.fitDataset(dataset, { epochs: 40, verbose: 0 });
console.log(`model.fitDataset: error ${errorOf(model).toFixed(2)} % of the crop`);
