// Measures of issue "backbones": building, loading, inference. Each row comes from a process of its own.
//   NODE_PATH=<folder with onnxruntime-node> node benchmarks/backbones/measure.mjs build|load >> benchmarks/backbones/measures.jsonl
//   … measure.mjs inference [pattern] [side, or "native"] [runs]
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const [what, pattern = "*", ...rest] = process.argv.slice(2);
const SIDE = 112;
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const quartile = (values, part = 0.25) => [...values].sort((a, b) => a - b)[Math.floor(values.length * part)];
const round = (value) => Number(value.toPrecision(4));
const child = (...args) =>
  JSON.parse(
    execFileSync(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    }),
  );
const megabytes = () => {
  globalThis.gc?.();
  return process.memoryUsage.rss() / 2 ** 20;
};
/** From here on the peak is that of what follows; Linux alone can forget the one of starting. */
function forgetPeak() {
  writeFileSync("/proc/self/clear_refs", "5");
  return megabytes();
}
const peakMegabytes = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]) / 1024;

async function start() {
  const { setupBackend } = await import("@acr/backend");
  await setupBackend({ prefer: ["wasm"], threads: 1 });
  const tf = await import("@tensorflow/tfjs-core");
  return { tf, ...(await import("@acr/backbones")), ...(await import("@acr/kernels")) };
}

if (what === "build") {
  for (const name of ["efficientnet_b0", "efficientnet_b3"]) {
    const rows = [0, 1, 2, 3, 4].map(() => child("build-one", name));
    console.log(
      JSON.stringify({
        what,
        name,
        milliseconds: median(rows.map((row) => row.milliseconds)),
        all: rows.map((row) => Math.round(row.milliseconds)),
      }),
    );
  }
} else if (what === "build-one") {
  const { createBackbone } = await start();
  const started = performance.now();
  createBackbone(pattern);
  console.log(JSON.stringify({ milliseconds: performance.now() - started }));
} else if (what === "load") {
  const folder = mkdtempSync(join(tmpdir(), "acr-load-"));
  try {
    const file = join(folder, "b3.weights.h5");
    child("save-one", file);
    for (const kind of ["h5", "keras"]) {
      const path = kind === "h5" ? file : file.replace(".weights.h5", ".keras");
      const rows = [0, 1, 2].map(() => child("load-one", path));
      console.log(
        JSON.stringify({
          what,
          kind,
          fileMb: statSync(path).size / 2 ** 20,
          milliseconds: median(rows.map((row) => row.milliseconds)),
          extraPeakMb: Math.max(...rows.map((row) => row.extraPeakMb)),
          extraAfterMb: Math.max(...rows.map((row) => row.extraAfterMb)),
        }),
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
} else if (what === "save-one") {
  const { createBackbone, saveKerasWeights, saveKerasModel } = await start();
  const model = createBackbone("efficientnet_b3");
  await saveKerasWeights(model, pattern);
  await saveKerasModel(model, pattern.replace(".weights.h5", ".keras"));
  console.log("{}");
} else if (what === "load-one") {
  const { createBackbone, loadWeights } = await start();
  const model = createBackbone("efficientnet_b3");
  await import("h5wasm").then(({ ready }) => ready);
  const before = forgetPeak();
  const started = performance.now();
  await loadWeights(model, pattern);
  const milliseconds = performance.now() - started;
  console.log(
    JSON.stringify({ milliseconds, extraPeakMb: peakMegabytes() - before, extraAfterMb: megabytes() - before }),
  );
} else if (what === "inference") {
  const { listBackbones } = await import("@acr/backbones");
  const [side = String(SIDE), runs = "15"] = rest;
  for (const name of listBackbones(pattern)) {
    const folder = mkdtempSync(join(tmpdir(), "acr-inference-"));
    try {
      const actualSide = side === "native" ? child("native-side", name).side : Number(side);
      const onnx = join(folder, "model.onnx");
      const figures = child("infer-one", name, String(actualSide), runs, onnx);
      // Memory is each runtime's alone, in a process of its own.
      const wasmMb = child("memory-wasm", name, String(actualSide)).megabytes;
      const ortMb = child("memory-onnxruntime", onnx, String(actualSide)).megabytes;
      console.log(JSON.stringify({ what, ...figures, wasmMb, ortMb }));
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
} else if (what === "native-side") {
  const { getBackbonePreset } = await import("@acr/backbones");
  console.log(JSON.stringify({ side: getBackbonePreset(pattern).inputSize }));
} else if (what === "infer-one") {
  const [side, runs, file] = [Number(rest[0]), Number(rest[1]), rest[2]];
  const { tf, createBackbone, exportOnnx, exportTfjs, optimizeForTraining, summary } = await start();
  const model = createBackbone(pattern, { inputSize: side, pooling: "avg" });
  const fused = optimizeForTraining(model);
  const image = tf.randomUniform([1, side, side, 3], 0, 1, "float32", 1);
  const feed = Float32Array.from(image.dataSync());
  const plainRun = () => tf.tidy(() => model.predict(image).dataSync().slice());
  const fusedRun = () => tf.tidy(() => fused.predict(image).dataSync().slice());
  writeFileSync(file, exportOnnx(model, { foldBatchNorm: true }));
  const half = (await exportTfjs(model, { quantize: "float16" }))["weights.bin"].length;
  const ortRun = await onnxruntime(file, feed, side);
  const expected = plainRun();
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const distance = (values) =>
    values.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0) / largest;
  const errors = { fusedError: distance(fusedRun()), onnxError: distance(await ortRun()) };
  const times = { fused: [], plain: [], onnxruntime: [] };
  for (let i = -1; i < runs; i++) {
    for (const [key, run] of [
      ["fused", fusedRun],
      ["plain", plainRun],
      ["onnxruntime", ortRun],
    ]) {
      const started = performance.now();
      await run();
      if (i >= 0) times[key].push(performance.now() - started);
    }
  }
  const { multiplyAdds } = summary(model);
  const milliseconds = Object.entries(times).flatMap(([key, values]) => [
    [`${key}Ms`, round(median(values))],
    [`${key}MsQuartiles`, [quartile(values), quartile(values, 0.75)].map(round)],
  ]);
  console.log(
    JSON.stringify({
      name: pattern,
      side,
      runs,
      parameters: model.countParams(),
      multiplyAdds,
      ...Object.fromEntries(milliseconds),
      ...errors,
      weightsMb: (4 * model.countParams()) / 2 ** 20,
      float16Mb: half / 2 ** 20,
    }),
  );
} else if (what === "memory-wasm") {
  const side = Number(rest[0]);
  const { tf, createBackbone, optimizeForTraining } = await start();
  const before = forgetPeak();
  const fused = optimizeForTraining(createBackbone(pattern, { inputSize: side, pooling: "avg" }));
  const image = tf.randomUniform([1, side, side, 3], 0, 1, "float32", 1);
  for (let i = 0; i < 3; i++) tf.tidy(() => void fused.predict(image).dataSync());
  console.log(JSON.stringify({ megabytes: peakMegabytes() - before }));
} else if (what === "memory-onnxruntime") {
  const side = Number(rest[0]);
  // The library itself is no part of a model's memory.
  createRequire(import.meta.url)("onnxruntime-node");
  const before = forgetPeak();
  const run = await onnxruntime(pattern, new Float32Array(side * side * 3).fill(0.5), side);
  for (let i = 0; i < 3; i++) await run();
  console.log(JSON.stringify({ megabytes: peakMegabytes() - before }));
}

/** A function that predicts with an ONNX file on one thread. */
async function onnxruntime(file, feed, side) {
  const ort = createRequire(import.meta.url)("onnxruntime-node");
  const session = await ort.InferenceSession.create(file, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: "sequential",
  });
  return async () => {
    const outputs = await session.run({ [session.inputNames[0]]: new ort.Tensor("float32", feed, [1, side, side, 3]) });
    return outputs[session.outputNames[0]].data;
  };
}
