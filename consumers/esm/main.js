import "@tensorflow/tfjs-backend-cpu";
import { acrLoss, packTargets, toLayersLoss } from "@acr/loss";
import { widenOutput } from "@acr/loss/layers";
import * as tf from "@tensorflow/tfjs-core";
import { layers, sequential } from "@tensorflow/tfjs-layers";

const K = 5;
await tf.setBackend("cpu");
const x = tf.randomNormal([64, 8], 0, 1, "float32", 1);
const y = tf.matMul(x, tf.randomNormal([8, 2 * K], 0, 0.3, "float32", 2));
const difficulty = tf.randomUniform([64, K], 0, 1, "float32", 3);
const dense = () => layers.dense({ inputShape: [8], units: 2 * K });

const model = sequential({ layers: [dense()] });
const training = widenOutput(model);
training.compile({ optimizer: tf.train.adam(0.05), loss: toLayersLoss(acrLoss, { landmarkCount: K }) });
const { history } = await training.fit(x, packTargets(y, difficulty), { epochs: 30, verbose: 0 });

const other = sequential({ layers: [dense()] });
const optimizer = tf.train.adam(0.05);
const losses = [];
for (let step = 0; step < 60; step++) {
  const loss = optimizer.minimize(() => acrLoss(other.predict(x), y, { difficulty }), true);
  losses.push(loss.dataSync()[0]);
  loss.dispose();
}

const report = { fit: [history.loss[0], history.loss.at(-1)], loop: [losses[0], losses.at(-1)] };
for (const [name, [first, last]] of Object.entries(report)) {
  if (!(last < first / 5)) throw new Error(`${name}: the loss went from ${first} to ${last}`);
}
console.log(JSON.stringify({ tfjs: tf.version_core, ...report }));
