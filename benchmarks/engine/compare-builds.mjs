// Two builds of this project, step by step in turn on one machine: the ratio of two neighbours says more than two runs do.
// node benchmarks/engine/compare-builds.mjs --old FOLDER --model mobilenet_v2_100 --size 224 --batch 8 --threads 2 --mode train --steps 20
// FOLDER is another checkout of this repository, built. --flags are Node's, for the new build alone.
import { fork } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    old: { type: "string" },
    model: { type: "string", default: "mobilenet_v2_100" },
    size: { type: "string", default: "224" },
    batch: { type: "string", default: "8" },
    threads: { type: "string", default: "2" },
    mode: { type: "string", default: "train" },
    steps: { type: "string", default: "20" },
    warmup: { type: "string", default: "3" },
    flags: { type: "string", default: "" },
    child: { type: "string" },
  },
});
const root = fileURLToPath(new URL("../../", import.meta.url));
if (values.child) await serve(values);
else await compare(values);

/** Prepares a step and runs it at each message; answers with its milliseconds. */
async function serve({ child, model: backbone, size, batch, threads, mode }) {
  const require = createRequire(`${child}/package.json`);
  const load = (name) => import(pathToFileURL(require.resolve(name)).href).then((module) => module.default ?? module);
  const [{ createLandmarkModel }, { setupBackend }, { FusedAdam, optimizeForTraining }, tf] = await Promise.all(
    ["@acr/backbones", "@acr/backend", "@acr/kernels", "@tensorflow/tfjs-core"].map(load),
  );
  await setupBackend({ prefer: ["wasm"], threads: Number(threads) });
  const model = createLandmarkModel({ backbone, imageSize: Number(size), landmarkCount: 68, seed: 1 });
  const fused = optimizeForTraining(model);
  const variables = model.trainableWeights.map((weight) => weight.read());
  const adam = new FusedAdam({ learningRate: 1e-4 });
  const x = tf.randomUniform([Number(batch), Number(size), Number(size), 3], 0, 255, "float32", 1);
  const y = tf.randomUniform([Number(batch), 68, 2], -0.5, 0.5, "float32", 2);
  const step = () =>
    tf.tidy(() => {
      if (mode === "infer") return fused.apply(x, { training: false }).dataSync()[0];
      const loss = () => tf.mean(tf.square(tf.sub(fused.apply(x, { training: true }), y)));
      const { value, grads } = tf.variableGrads(loss, variables);
      adam.applyGradients(grads);
      return value.dataSync()[0];
    });
  process.on("message", () => {
    const started = performance.now();
    const value = step();
    process.send({ ms: performance.now() - started, value });
  });
  process.send("ready");
}

async function compare({ old, flags, steps, warmup, ...rest }) {
  const options = Object.entries(rest).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]));
  const start = async (folder, execArgv) => {
    const process = fork(fileURLToPath(import.meta.url), ["--child", folder, ...options], { execArgv });
    await new Promise((resolve) => process.once("message", resolve));
    return { process, ms: [], value: undefined };
  };
  const builds = [await start(old, []), await start(root, flags.split(" ").filter(Boolean))];
  for (let i = 0; i < Number(steps) + Number(warmup); i++) {
    for (const build of i % 2 ? builds : [...builds].reverse()) {
      const answer = new Promise((resolve) => build.process.once("message", resolve));
      build.process.send("step");
      const { ms, value } = await answer;
      if (i >= Number(warmup)) build.ms.push(ms / Number(rest.batch));
      build.value = value;
    }
  }
  for (const { process } of builds) process.kill();
  const quantile = (list, q) => [...list].sort((a, b) => a - b)[Math.floor((list.length - 1) * q)];
  const [before, after] = builds;
  const ratios = after.ms.map((ms, i) => ms / before.ms[i]);
  const show = (ms) => `least ${quantile(ms, 0).toFixed(2)}, median ${quantile(ms, 0.5).toFixed(2)} ms/image`;
  console.log(`old ${show(before.ms)}; new ${show(after.ms)}`);
  console.log(
    `new / old: median of neighbours ${quantile(ratios, 0.5).toFixed(3)} (quartiles ${quantile(ratios, 0.25).toFixed(3)} to ${quantile(ratios, 0.75).toFixed(3)}), of the least ${(quantile(after.ms, 0) / quantile(before.ms, 0)).toFixed(3)}`,
  );
  console.log(`last values ${before.value} and ${after.value}`);
}
