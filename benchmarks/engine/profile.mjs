// Where a step goes: wall time by tfjs kernel, each call the least of all steps, so that a pause of the machine counts nowhere.
// node benchmarks/engine/profile.mjs [backbone] [imageSize] [batchSize] [threads] [steps] [train|infer] [shapes]
// With `shapes` the units of each geometry have a row of their own, with GFLOP/s where they are pointwise.
import { createLandmarkModel } from "@acr/backbones";
import { setupBackend } from "@acr/backend";
import { FusedAdam, optimizeForTraining } from "@acr/kernels";
import * as tf from "@tensorflow/tfjs-core";

const [
  backbone = "mobilenet_v2_100",
  imageSize = "224",
  batchSize = "8",
  threads = "1",
  steps = "4",
  mode = "train",
  detail,
] = process.argv.slice(2);
const info = await setupBackend({ prefer: ["wasm"], threads: Number(threads) });

/** What a kernel is, and its floating-point operations where it is a unit. */
function describe({ kernelName, attrs }) {
  if (!attrs?.info) return { name: kernelName, flop: 0 };
  const { inHeight, inChannels, outHeight, outWidth, outChannels, filterHeight, filterWidth, strideHeight } =
    attrs.info;
  const { isDepthwise, info } = attrs;
  const taps = filterHeight * filterWidth * (isDepthwise ? 1 : inChannels);
  // Backward: filter and input, but of the picture itself nobody wants a gradient.
  const passes = kernelName.includes("Gradient") && (isDepthwise || filterHeight === 1) ? 2 : 1;
  const flop = 2 * passes * info.batchSize * outHeight * outWidth * outChannels * taps;
  const kind = isDepthwise ? `depthwise s${strideHeight}` : filterHeight > 1 ? "patches" : "pointwise";
  const shape = detail ? ` ${inHeight} px ${inChannels}-${outChannels} k${filterHeight}` : "";
  return { name: `${kernelName} ${kind}${shape}`, flop };
}

/** The calls of a step in order: what they are and the least milliseconds they took. */
const calls = [];
let call = 0;
let depth = 0;
for (const kernel of tf.getKernelsForBackend("wasm")) {
  tf.unregisterKernel(kernel.kernelName, "wasm");
  tf.registerKernel({
    ...kernel,
    kernelFunc: (params) => {
      const started = performance.now();
      depth++;
      try {
        return kernel.kernelFunc(params);
      } finally {
        depth--;
        if (depth === 0) {
          const ms = performance.now() - started;
          calls[call] ??= { ...describe({ ...kernel, ...params }), ms };
          calls[call].ms = Math.min(calls[call].ms, ms);
          call++;
        }
      }
    },
  });
}
const size = Number(imageSize);
const batch = Number(batchSize);
const model = createLandmarkModel({ backbone, imageSize: size, landmarkCount: 68, seed: 1 });
const fused = optimizeForTraining(model);
const variables = model.trainableWeights.map((weight) => weight.read());
const adam = new FusedAdam({ learningRate: 1e-4 });
const x = tf.randomUniform([batch, size, size, 3], 0, 255);
const y = tf.randomUniform([batch, 68, 2], -0.5, 0.5);
let total = Number.POSITIVE_INFINITY;
let optimizer = Number.POSITIVE_INFINITY;
for (let i = 0; i < Number(steps) + 2; i++) {
  // The first step has calls that later ones lack.
  if (i === 2) calls.length = 0;
  call = 0;
  const started = performance.now();
  tf.tidy(() => {
    if (mode === "infer") return void fused.apply(x, { training: false }).dataSync();
    const { value, grads } = tf.variableGrads(
      () => tf.mean(tf.square(tf.sub(fused.apply(x, { training: true }), y))),
      variables,
    );
    const begun = performance.now();
    adam.applyGradients(grads);
    optimizer = Math.min(optimizer, performance.now() - begun);
    value.dataSync();
  });
  if (i >= 2) total = Math.min(total, performance.now() - started);
}
const rows = new Map();
for (const { name, flop, ms } of calls) {
  const row = rows.get(name) ?? { count: 0, ms: 0, flop: 0 };
  rows.set(name, { count: row.count + 1, ms: row.ms + ms, flop: row.flop + flop });
}
const inKernels = calls.reduce((sum, { ms }) => sum + ms, 0);
console.log(
  `${backbone} ${size} px, batch ${batch}, ${mode}, ${info.description}: least step ${(total / batch).toFixed(2)} ms/image`,
);
for (const [name, { count, ms, flop }] of [...rows].sort((a, b) => b[1].ms - a[1].ms).slice(0, detail ? 100 : 24)) {
  const rate = flop > 0 ? `${(flop / ms / 1e6).toFixed(0).padStart(6)} GFLOP/s` : "";
  console.log(
    `${name.padEnd(56)} ${String(count).padStart(4)} calls ${(ms / batch).toFixed(2).padStart(7)} ms/image ${rate}`,
  );
}
if (mode === "train") console.log(`optimizer ${(optimizer / batch).toFixed(2)} ms/image`);
console.log(
  `in kernels ${(inKernels / batch).toFixed(2)} ms/image; the least step has ${((total - inKernels) / batch).toFixed(2)} more`,
);
process.exit(0);
