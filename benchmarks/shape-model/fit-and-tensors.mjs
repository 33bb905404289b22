/**
 * How long fitting takes (one run each), and `difficultyTensor` on wasm (the median of 50).
 *
 *   node benchmarks/shape-model/fit-and-tensors.mjs            after npm run build
 *   node benchmarks/shape-model/fit-and-tensors.mjs --stream   a million shapes of 98 points from a generator, with the
 *                                                              peak memory of the process
 */
import { createDifficultyTensor, difficultyTensor, PointModel } from "@acr/shape-model";
import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { randomShapes } from "./random-shapes.mjs";

const timed = (run) => {
  const start = performance.now();
  const result = run();
  return [Math.round(performance.now() - start), result];
};
const median = (run) => {
  for (let i = 0; i < 5; i++) run();
  const times = Array.from({ length: 50 }, () => {
    const start = performance.now();
    run();
    return performance.now() - start;
  });
  return Number(times.sort((x, y) => x - y)[25].toFixed(3));
};
const print = (result) => console.log(JSON.stringify({ node: process.version, ...result }, null, 2));

if (process.argv.includes("--stream")) {
  const million = { count: 1_000_000, landmarkCount: 98 };
  const [generateMs] = timed(() => {
    for (const _ of randomShapes(million));
  });
  const [fitMs, model] = timed(() => PointModel.fit(randomShapes(million)));
  print({
    shapes: model.sampleCount,
    landmarks: model.landmarkCount,
    generateMs,
    fitWithoutGeneratingMs: fitMs - generateMs,
    peakMemoryMb: Math.round(process.resourceUsage().maxRSS / 1024),
  });
} else {
  const training = [...randomShapes({ count: 3148, landmarkCount: 68 })];
  const many = [...randomShapes({ count: 100_000, landmarkCount: 68 })];
  const [fit3148Ms] = timed(() => PointModel.fit(training));
  const [fit337Ms] = timed(() => PointModel.fit(training.slice(0, 337)));
  const [fit100kMs] = timed(() => PointModel.fit(many));
  const [alignedFit3148Ms] = timed(() => PointModel.fit(training, { align: "procrustes" }));
  const model = PointModel.fit(randomShapes({ count: 2000, landmarkCount: 98 }));
  await tf.setBackend("wasm");
  const targets = tf.tensor3d(
    [...randomShapes({ count: 64, landmarkCount: 98, seed: 2 })].flatMap((shape) => [...shape]),
    [64, 98, 2],
  );
  const read = (phi) => {
    phi.dataSync();
    phi.dispose();
  };
  const owner = createDifficultyTensor(model);
  const result = { fit3148Ms, fit337Ms, fit100kMs, alignedFit3148Ms };
  for (const modes of [8, 130, 196]) {
    result[`difficultyTensor${modes}Ms`] = median(() => read(difficultyTensor(model, targets, { modes })));
    result[`createDifficultyTensor${modes}Ms`] = median(() => read(owner.compute(targets, { modes })));
  }
  owner.dispose();
  print(result);
}
