// Trains a tiny net with the same start and data on cpu and on wasm with 1 and 2 threads, twice with 2, and prints the largest
// relative distance of the loss curves from cpu's. Exits 1 beyond 1 %, or where the repeat is not bit-identical.
// node benchmarks/engine/loss-curves.mjs [backbone] [steps] [learning rate]
import { createLandmarkModel } from "@acr/backbones";
import { setupBackend } from "@acr/backend";
import { FusedAdam, optimizeForTraining } from "@acr/kernels";
import * as tf from "@tensorflow/tfjs-core";

const [backbone = "mobilenet_v2_035", steps = "50", learningRate = "1e-4"] = process.argv.slice(2);

async function curve(prefer, threads) {
  await setupBackend({ prefer: [prefer], threads });
  const model = createLandmarkModel({
    backbone,
    imageSize: 32,
    landmarkCount: 5,
    seed: 1,
    ...(backbone.startsWith("e") && { dropPath: 0 }),
  });
  const fused = optimizeForTraining(model);
  const variables = model.trainableWeights.map((weight) => weight.read());
  const adam = new FusedAdam({ learningRate: Number(learningRate) });
  const losses = [];
  for (let i = 0; i < Number(steps); i++) {
    tf.tidy(() => {
      const x = tf.randomUniform([4, 32, 32, 3], 0, 255, "float32", i % 4);
      const y = tf.randomUniform([4, 5, 2], -0.5, 0.5, "float32", 100 + (i % 4));
      const { value, grads } = tf.variableGrads(
        () => tf.mean(tf.square(tf.sub(fused.apply(x, { training: true }), y))),
        variables,
      );
      adam.applyGradients(grads);
      losses.push(value.dataSync()[0]);
    });
  }
  adam.dispose();
  model.dispose();
  return losses;
}

const curves = { "wasm, 1 thread": await curve("wasm", 1), "wasm, 2 threads": await curve("wasm", 2) };
const again = await curve("wasm", 2);
const reference = await curve("cpu", 1);
let isFine = true;
for (const [name, losses] of Object.entries(curves)) {
  const distance = Math.max(...losses.map((loss, i) => Math.abs(loss - reference[i]) / reference[i]));
  const early = losses.slice(0, 6).map((loss, i) => `${(100 * Math.abs(loss / reference[i] - 1)).toExponential(1)} %`);
  console.log(`${name}, first steps: ${early.join(", ")}`);
  isFine &&= distance <= 0.01;
  console.log(
    `${backbone}, ${name}: ${(100 * distance).toFixed(4)} % from cpu at most over ${steps} steps, last loss ${losses.at(-1)}`,
  );
}
const isRepeated = again.every((loss, i) => Object.is(loss, curves["wasm, 2 threads"][i]));
console.log(`repeat with 2 threads: ${isRepeated ? "bit-identical" : "DIFFERS"}`);
process.exit(isFine && isRepeated ? 0 : 1);
