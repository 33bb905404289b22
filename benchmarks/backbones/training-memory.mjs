// What `summary(model).trainingBytes` says against what training steps take (wasm, fused kernels, Adam), a process for each row (Linux):
//   node --expose-gc benchmarks/backbones/training-memory.mjs > benchmarks/backbones/training-memory.json
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const STEPS = 4;
const MEGABYTE = 2 ** 20;
const BACKBONES = ["mobilenet_v2_100", "efficientnet_b0", "resnet_18", "mobilenet_v3_large", "pfld_050"];
const [backbone, head, side, batch] = process.argv.slice(2);

if (backbone === undefined) {
  const rows = [];
  const settings = BACKBONES.flatMap((name) => [
    ...[1, 8, 32].map((size) => [name, "gap", 112, size]),
    [name, "gap", 224, 8],
  ]);
  settings.push(["mobilenet_v2_100", "integral", 112, 32], ["efficientnet_b0", "pip", 112, 32]);
  for (const setting of settings) {
    const args = [...process.execArgv, fileURLToPath(import.meta.url), ...setting.map(String)];
    const row = JSON.parse(
      execFileSync(process.execPath, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }),
    );
    rows.push(row);
    console.error(JSON.stringify(row));
  }
  console.log(JSON.stringify(rows, null, 1));
} else {
  const { setupBackend } = await import("@acr/backend");
  await setupBackend({ prefer: ["wasm"], threads: 1 });
  const tf = await import("@tensorflow/tfjs-core");
  const { createHeadTraining, createLandmarkModel, summary } = await import("@acr/backbones");
  const { FusedAdam, optimizeForTraining } = await import("@acr/kernels");
  const [imageSize, batchSize] = [Number(side), Number(batch)];
  const { wasm } = tf.backend();
  const wasmBytes = () => (wasm.wasmMemory ?? wasm.asm.memory).buffer.byteLength;
  const status = (field) =>
    Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync("/proc/self/status", "utf8"))[1]) * 1024;
  globalThis.gc?.();
  // The peak so far is that of starting.
  writeFileSync("/proc/self/clear_refs", "5");
  const [resident, held] = [status("VmRSS"), wasmBytes()];
  const model = createLandmarkModel({ backbone, head, imageSize, landmarkCount: 68 });
  const { trainingBytes } = summary(model, { batchSize });
  const training = createHeadTraining(model);
  const fused = optimizeForTraining(training.model);
  const variables = model.trainableWeights.map((weight) => weight.read());
  const adam = new FusedAdam({ learningRate: 1e-4 });
  const train = (step) =>
    tf.tidy(() => {
      const images = tf.randomUniform([batchSize, imageSize, imageSize, 3], 0, 255, "float32", step);
      const targets = tf.randomUniform([batchSize, 68, 2], -0.5, 0.5, "float32", step);
      const { grads } = tf.variableGrads(
        () =>
          training.loss(fused.apply(images, { training: true }), targets, (a, b) => tf.mean(tf.square(tf.sub(a, b)))),
        variables,
      );
      adam.applyGradients(grads);
    });
  for (let step = 0; step < STEPS; step++) train(step);
  const residentPeak = status("VmHWM") - resident;
  const wasmGrowth = wasmBytes() - held;
  console.log(
    JSON.stringify({
      backbone,
      head,
      imageSize,
      batchSize,
      estimateMb: Math.round(trainingBytes / MEGABYTE),
      residentPeakMb: Math.round(residentPeak / MEGABYTE),
      wasmMb: Math.round(wasmGrowth / MEGABYTE),
      ratio: Number((trainingBytes / residentPeak).toFixed(2)),
    }),
  );
}
