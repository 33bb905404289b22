/**
 * Memory of Φ on a backend: peak bytes of all tensors within `difficultyTensor` (tf.profile), and what `createDifficultyTensor`
 * keeps between steps (tf.memory), for growing batches.
 *
 *   node benchmarks/shape-model/tensor-memory.mjs [wasm|cpu]   after npm run build
 */
import { createDifficultyTensor, difficultyTensor, PointModel } from "@acr/shape-model";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { randomShapes } from "./random-shapes.mjs";

const backend = process.argv[2] ?? "wasm";
const landmarkCount = 98;
const model = PointModel.fit(randomShapes({ count: 2000, landmarkCount }));
await tf.setBackend(backend);
await tf.ready();

/** Bytes above what was held before, at the worst moment. */
async function peakOf(run) {
  const before = tf.memory().numBytes;
  const { peakBytes } = await tf.profile(() => {
    run().dispose();
  });
  return peakBytes - before;
}

const rows = [];
for (const modes of [8, 196]) {
  for (const batch of [16, 64, 256, 1024]) {
    const values = [...randomShapes({ count: batch, landmarkCount, seed: 2 })].flatMap((shape) => [...shape]);
    const targets = tf.tensor3d(values, [batch, landmarkCount, 2]);
    const once = await peakOf(() => difficultyTensor(model, targets, { modes }));
    const before = tf.memory().numBytes;
    const owner = createDifficultyTensor(model);
    owner.compute(targets, { modes }).dispose();
    const kept = tf.memory().numBytes - before;
    const step = await peakOf(() => owner.compute(targets, { modes }));
    owner.dispose();
    const left = tf.memory().numBytes - before;
    rows.push({
      modes,
      batch,
      oncePeakBytes: once,
      keptBytes: kept,
      stepPeakBytes: step,
      bytesAFace: step / batch,
      left,
    });
    targets.dispose();
  }
}
console.log(JSON.stringify({ node: process.version, backend, landmarkCount, rows }, null, 2));
