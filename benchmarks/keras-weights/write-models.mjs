// Writes every backbone's weights and landmark models with every head as Keras files, with inputs and outputs, for
// check_in_keras.py. Usage: node benchmarks/keras-weights/write-models.mjs FOLDER [pattern]
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  createBackbone,
  createLandmarkModel,
  listBackbones,
  listHeads,
  saveKerasModel,
  saveKerasWeights,
} from "@acr/backbones";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-wasm";

const [folder, pattern = "*"] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
await tf.setBackend("wasm");
const SIZE = 64;
const entries = [];

/** Random BatchNorm statistics and biases: fresh ones are 0 and 1, and a swapped pair would not show. */
function stir(model) {
  let seed = 1;
  for (const layer of model.layers) {
    if (layer.name === "normalization" || layer.name === "preprocess" || !layer.trainable) continue;
    tf.tidy(() => {
      const weights = layer.getWeights();
      if (layer.getClassName() === "BatchNormalization") {
        layer.setWeights(
          weights.map((w, i) =>
            tf.randomUniform(w.shape, i % 3 === 0 ? 0.7 : -0.1, i % 3 === 0 ? 1.3 : 0.1, "float32", seed++),
          ),
        );
      } else if (weights.length === 2) {
        // Heads start with kernels of 0, behind which nothing would show.
        const noise = tf.randomUniform(weights[0].shape, -0.1, 0.1, "float32", seed++);
        const kernel = layer.name.startsWith("head_") ? tf.add(weights[0], noise) : weights[0];
        layer.setWeights([kernel, tf.randomUniform(weights[1].shape, -0.1, 0.1, "float32", seed++)]);
      }
    });
  }
}
function record(name, model, images, kind) {
  const output = tf.tidy(() => model.predict(images).dataSync());
  writeFileSync(join(folder, `${name}.out.f32`), new Uint8Array(output.buffer, output.byteOffset, output.byteLength));
  entries.push({
    name,
    kind,
    size: SIZE,
    parameters: model.countParams(),
    shape: [2, ...model.outputs[0].shape.slice(1)],
  });
}
const images = tf.randomUniform([2, SIZE, SIZE, 3], 0, 255, "float32", 7);
writeFileSync(join(folder, "in.f32"), new Uint8Array(images.dataSync().buffer));
for (const backbone of listBackbones(pattern)) {
  const model = createBackbone(backbone, { inputSize: SIZE, pooling: "avg" });
  stir(model);
  await saveKerasWeights(model, join(folder, `${backbone}.weights.h5`));
  record(backbone, model, images, "weights");
  model.dispose();
  for (const head of listHeads()) {
    const landmarks = createLandmarkModel({ backbone, landmarkCount: 5, imageSize: SIZE, head, dropout: 0.1, seed: 3 });
    stir(landmarks);
    const name = `${backbone}.${head}`;
    await saveKerasModel(landmarks, join(folder, `${name}.keras`));
    record(name, landmarks, images, "model");
    landmarks.dispose();
  }
  // Written after each backbone, so that a run that ends early has its models on record.
  writeFileSync(join(folder, "models.json"), JSON.stringify(entries));
}
