// Measures of issue "backbones": building, loading, inference. Each row comes from a process of its own.
//   NODE_PATH=<folder with onnxruntime-node> node benchmarks/backbones/measure.mjs build|load|inference [pattern] >> benchmarks/backbones/measures.jsonl
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const [what, pattern = "*", ...rest] = process.argv.slice(2);
const SIDE = 112;
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const quartile = (values) => [...values].sort((a, b) => a - b)[values.length >> 2];
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
  const before = megabytes();
  const peakBefore = process.resourceUsage().maxRSS / 1024;
  const started = performance.now();
  await loadWeights(model, pattern);
  const milliseconds = performance.now() - started;
  const peak = process.resourceUsage().maxRSS / 1024;
  // A peak that building set already hides a lower one of loading: then loading stayed below it.
  console.log(
    JSON.stringify({
      milliseconds,
      extraPeakMb: peak > peakBefore ? peak - before : peakBefore - before,
      extraAfterMb: megabytes() - before,
    }),
  );
} else if (what === "inference") {
  const { listBackbones } = await import("@acr/backbones");
  for (const name of listBackbones(pattern)) console.log(JSON.stringify({ what, ...child("infer-one", name) }));
} else if (what === "infer-one") {
  const ort = createRequire(import.meta.url)("onnxruntime-node");
  const { tf, createBackbone, exportOnnx, exportTfjs, optimizeForTraining, summary } = await start();
  const start0 = megabytes();
  const model = createBackbone(pattern, { inputSize: SIDE, pooling: "avg" });
  const fused = optimizeForTraining(model);
  const image = tf.randomUniform([1, SIDE, SIDE, 3], 0, 1, "float32", 1);
  const feed = Float32Array.from(image.dataSync());
  const plainRun = () => tf.tidy(() => model.predict(image).dataSync());
  const fusedRun = () => tf.tidy(() => fused.predict(image).dataSync());
  fusedRun();
  const wasmMb = megabytes() - start0;
  const bytes = exportOnnx(model, { foldBatchNorm: true });
  const half = (await exportTfjs(model, { quantize: "float16" }))["weights.bin"].length;
  const before = megabytes();
  const session = await ort.InferenceSession.create(bytes, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: "sequential",
  });
  const ortRun = () => session.run({ [session.inputNames[0]]: new ort.Tensor("float32", feed, [1, SIDE, SIDE, 3]) });
  await ortRun();
  const ortMb = megabytes() - before;
  const times = { fused: [], plain: [], onnxruntime: [] };
  for (let i = 0; i < Number(rest[0] ?? 9); i++) {
    for (const [key, run] of [
      ["fused", fusedRun],
      ["plain", plainRun],
      ["onnxruntime", ortRun],
    ]) {
      const started = performance.now();
      await run();
      if (i > 1) times[key].push(performance.now() - started);
    }
  }
  const { multiplyAdds } = summary(model);
  const figures = Object.fromEntries(Object.entries(times).map(([key, values]) => [`${key}Ms`, quartile(values)]));
  console.log(
    JSON.stringify({
      name: pattern,
      side: SIDE,
      parameters: model.countParams(),
      multiplyAdds,
      ...figures,
      wasmMb,
      ortMb,
      weightsMb: (4 * model.countParams()) / 2 ** 20,
      float16Mb: half / 2 ** 20,
    }),
  );
}
