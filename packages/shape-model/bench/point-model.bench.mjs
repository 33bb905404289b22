// node bench/point-model.bench.mjs (after npm run build): fitting, one run each; tensors, the median of 50 on wasm.
// With --stream also a million shapes of 98 points from a generator, with the peak memory of the process.
import { createDifficultyTensor, difficultyTensor, PointModel } from "@acr/shape-model";
import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";

let state = 1;
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32 - 0.5;
};
/** A few strong modes and noise in every coordinate. */
function* shapes(count, landmarkCount) {
  for (let i = 0; i < count; i++) {
    const [a, b, c] = [random(), random(), random()];
    yield Float64Array.from(
      { length: 2 * landmarkCount },
      (_, q) => a * Math.sin(q) + 0.5 * b * Math.cos(2 * q) + 0.2 * c * Math.sin(5 * q) + 0.01 * random(),
    );
  }
}
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

if (process.argv.includes("--stream")) {
  const [streamMs] = timed(() => PointModel.fit(shapes(1_000_000, 98)));
  console.log({
    node: process.version,
    streamMs,
    peakMemoryMb: Math.round(process.resourceUsage().maxRSS / 1024),
  });
} else {
  const training = [...shapes(3148, 68)];
  const many = [...shapes(100_000, 68)];
  const [fit3148Ms] = timed(() => PointModel.fit(training));
  const [fit337Ms] = timed(() => PointModel.fit(training.slice(0, 337)));
  const [fit100kMs] = timed(() => PointModel.fit(many));
  const [alignedFit3148Ms] = timed(() => PointModel.fit(training, { align: "procrustes" }));
  const model = PointModel.fit(shapes(2000, 98));
  await tf.setBackend("wasm");
  const targets = tf.tensor3d(
    [...shapes(64, 98)].flatMap((shape) => [...shape]),
    [64, 98, 2],
  );
  const read = (phi) => {
    phi.dataSync();
    phi.dispose();
  };
  const owner = createDifficultyTensor(model);
  const result = { node: process.version, fit3148Ms, fit337Ms, fit100kMs, alignedFit3148Ms };
  for (const modes of [8, 130, 196]) {
    result[`difficultyTensor${modes}Ms`] = median(() => read(difficultyTensor(model, targets, { modes })));
    result[`createDifficultyTensor${modes}Ms`] = median(() => read(owner.compute(targets, { modes })));
  }
  owner.dispose();
  console.log(result);
}
