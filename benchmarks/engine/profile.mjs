// Where a training step goes: wall time by tfjs kernel, beside the arithmetic limit of the convolutions.
// node benchmarks/engine/profile.mjs [backbone] [imageSize] [batchSize] [threads] [steps] [train|infer]
import { createLandmarkModel } from "@acr/backbones";
import { setupBackend } from "@acr/backend";
import { FusedAdam, optimizeForTraining } from "@acr/kernels";
import * as tf from "@tensorflow/tfjs-core";

const [backbone = "mobilenet_v2_100", imageSize = "224", batchSize = "8", threads = "1", steps = "4", mode = "train"] =
  process.argv.slice(2);
const info = await setupBackend({ prefer: ["wasm"], threads: Number(threads) });
const times = new Map();
let depth = 0;
for (const kernel of tf.getKernelsForBackend("wasm")) {
  tf.unregisterKernel(kernel.kernelName, "wasm");
  tf.registerKernel({
    ...kernel,
    kernelFunc: (call) => {
      const attrs = call.attrs ?? {};
      const kind = attrs.info
        ? attrs.isDepthwise
          ? ` depthwise s${attrs.info.strideHeight}`
          : attrs.info.filterHeight > 1
            ? " patches"
            : " pointwise"
        : "";
      const started = performance.now();
      depth++;
      try {
        return kernel.kernelFunc(call);
      } finally {
        depth--;
        const name = kernel.kernelName + kind;
        const entry = times.get(name) ?? { calls: 0, ms: 0 };
        entry.calls++;
        if (depth === 0) entry.ms += performance.now() - started;
        times.set(name, entry);
      }
    },
  });
}
const size = Number(imageSize);
const model = createLandmarkModel({ backbone, imageSize: size, landmarkCount: 68, seed: 1 });
const fused = optimizeForTraining(model);
const variables = model.trainableWeights.map((weight) => weight.read());
const adam = new FusedAdam({ learningRate: 1e-4 });
const x = tf.randomUniform([Number(batchSize), size, size, 3], 0, 255);
const y = tf.randomUniform([Number(batchSize), 68, 2], -0.5, 0.5);
let total = 0;
for (let i = 0; i < Number(steps) + 2; i++) {
  if (i === 2) times.clear();
  const started = performance.now();
  tf.tidy(() => {
    if (mode === "infer") return void fused.apply(x, { training: false }).dataSync();
    const { value, grads } = tf.variableGrads(
      () => tf.mean(tf.square(tf.sub(fused.apply(x, { training: true }), y))),
      variables,
    );
    adam.applyGradients(grads);
    value.dataSync();
  });
  if (i >= 2) total += performance.now() - started;
}
const images = Number(steps) * Number(batchSize);
const rows = [...times].sort((a, b) => b[1].ms - a[1].ms);
const inKernels = rows.reduce((sum, [, { ms }]) => sum + ms, 0);
console.log(
  `${backbone} ${size} px, batch ${batchSize}, ${mode}, ${info.description}: ${(total / images).toFixed(2)} ms/image`,
);
for (const [name, { calls, ms }] of rows.slice(0, 24)) {
  console.log(
    `${name.padEnd(44)} ${(calls / Number(steps)).toFixed(0).padStart(5)} calls/step ${(ms / images).toFixed(2).padStart(8)} ms/image`,
  );
}
console.log(`outside kernels ${((total - inKernels) / images).toFixed(2)} ms/image`);
process.exit(0);
