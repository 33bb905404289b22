import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-webgl";
import { acrLoss } from "@acr/loss";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";

const report = (result) => fetch("/result", { method: "POST", body: JSON.stringify(result) });

async function train(backend) {
  if (!(await tf.setBackend(backend).catch(() => false))) return { skipped: "not available" };
  const target = tf.tensor3d([
    [
      [0.1, -0.2],
      [0.3, 0.4],
    ],
  ]);
  const prediction = tf.variable(tf.zeros([1, 2, 2]));
  const difficulty = tf.tensor2d([[0.2, 1]]);
  const optimizer = tf.train.adam(0.02);
  const losses = [];
  for (let step = 0; step < 60; step++) {
    const loss = optimizer.minimize(() => acrLoss(prediction, target, { difficulty, scale: 10 }), true);
    losses.push((await loss.data())[0]);
    loss.dispose();
  }
  return { loop: [losses[0], losses.at(-1)] };
}

try {
  setWasmPaths("/wasm/");
  const result = {};
  for (const backend of ["cpu", "wasm", "webgl"]) result[backend] = await train(backend);
  await report(result);
} catch (error) {
  await report({ error: String(error?.stack ?? error) });
}
