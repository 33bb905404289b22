// Part of every-head.mjs: trains one backbone with each head and saves it. Usage: every-head-train.mjs BACKBONE FOLDER
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createHeadTraining, createLandmarkModel, exportOnnx, listHeads, saveKerasModel } from "@acr/backbones";
import { setupBackend } from "@acr/backend";
import { createBatches } from "@acr/datasets";
import { FusedAdam, optimizeForTraining } from "@acr/kernels";
import { acrLoss } from "@acr/loss";
import { createDifficultyTensor } from "@acr/shape-model";
import { syntheticShapeModel } from "@acr/shape-model/presets";
import { createSyntheticFaces } from "@acr/synthetic";
import { saveModel } from "@acr/trainer";
import * as tf from "@tensorflow/tfjs-core";

const [backbone, folder] = process.argv.slice(2);
const [SIDE, BATCH, STEPS, SHOWN] = [64, 8, 20, 4];
const LEARNING_RATE = 5e-4;
await setupBackend({ prefer: ["wasm"] });
const faces = createSyntheticFaces({ count: 2 * BATCH, seed: "train", imageSize: 128 });
const batches = [];
for await (const batch of createBatches(faces, { batchSize: BATCH, imageSize: SIDE, seed: 1 })) {
  batches.push({
    images: tf.tensor4d(new Float32Array(batch.images), [BATCH, SIDE, SIDE, 3]),
    targets: tf.tensor3d(batch.landmarks, [BATCH, 68, 2]),
  });
}
const shapes = syntheticShapeModel("ibug68");
const difficulty = createDifficultyTensor(shapes);
const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
const rows = [];
for (const head of listHeads()) {
  const model = createLandmarkModel({
    backbone,
    landmarkCount: 68,
    imageSize: SIDE,
    head,
    dropout: 0.1,
    meanShape: shapes.mean,
    // Twenty steps are few: the moving statistics, which predictions use, must have caught up.
    batchNormMomentum: 0.8,
    seed: 1,
  });
  const training = createHeadTraining(model);
  const fused = optimizeForTraining(training.model);
  const adam = new FusedAdam({ learningRate: LEARNING_RATE });
  const variables = model.trainableWeights.map((weight) => weight.read());
  const losses = [];
  const started = performance.now();
  for (let step = 0; step < STEPS; step++) {
    const { images, targets } = batches[step % batches.length];
    tf.tidy(() => {
      const phi = difficulty.compute(targets, { modes: shapes.modeCount({ by: "variance", fraction: 0.9 }) });
      const { value, grads } = tf.variableGrads(
        () =>
          training.loss(fused.apply(images, { training: true }), targets, (predictions, wanted) =>
            acrLoss(predictions, wanted, { difficulty: phi }),
          ),
        variables,
      );
      adam.applyGradients(grads);
      losses.push(value.dataSync()[0]);
    });
  }
  adam.dispose();
  const target = join(folder, head);
  mkdirSync(target);
  const { images } = batches[0];
  const write = (name, tensor) => writeFileSync(join(target, name), new Uint8Array(tensor.dataSync().slice().buffer));
  write(
    "in.f32",
    tf.tidy(() => tf.slice(images, 0, 2)),
  );
  tf.tidy(() => write("out.f32", model.predict(tf.slice(images, 0, 2))));
  await saveModel(model, target);
  await saveKerasModel(model, join(target, "model.keras"));
  writeFileSync(join(target, "model.onnx"), exportOnnx(model));
  rows.push({
    backbone,
    head,
    parameters: model.countParams(),
    firstLoss: mean(losses.slice(0, SHOWN)),
    lastLoss: mean(losses.slice(-SHOWN)),
    millisecondsPerStep: Math.round((performance.now() - started) / STEPS),
  });
  model.dispose();
}
console.log(JSON.stringify(rows));
