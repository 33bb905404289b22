import { fileURLToPath } from "node:url";
import { childProcesses } from "@acr/testing";

const root = fileURLToPath(new URL("../", `file://${__dirname}/`));
const { runNode } = childProcesses();

/** What a program in a runtime with these flags of V8 prints as JSON. */
async function run(flag: string, body: string) {
  const program = `
    import * as tf from "@tensorflow/tfjs-core";
    import "@tensorflow/tfjs-backend-cpu";
    import { doctor, setupBackend } from "./dist/index.js";
    ${body}`;
  const { code, out, err } = await runNode([flag, "--input-type=module", "-e", program], {
    cwd: root,
    env: { ...process.env, ACR_TENSORFLOW_DIR: "no-such-folder" },
  });
  expect({ code, err: code === 0 ? "" : err }).toEqual({ code: 0, err: "" });
  return { ...JSON.parse(out.trim().split("\n").at(-1)!), err };
}

/** Units of all kinds and what lies between them, trained from the same start on both backends. */
const TRAIN = `
import * as tfl from "@tensorflow/tfjs-layers";
import { FusedAdam, optimizeForTraining } from "@acr/kernels";

const { layers } = tfl;
const kernelInitializer = tfl.initializers.glorotUniform({ seed: 1 });
const depthwiseInitializer = kernelInitializer;
const base = { padding: "same", useBias: false, kernelInitializer, depthwiseInitializer };
const through = (x, ...chain) => chain.reduce((x, layer) => layer.apply(x), x);
const norm = () => layers.batchNormalization();
const relu6 = () => layers.reLU({ maxValue: 6 });
function build() {
  const inputs = tfl.input({ shape: [17, 17, 3] });
  const stem = through(inputs, layers.conv2d({ ...base, filters: 8, kernelSize: 3, strides: 2 }), norm(), relu6());
  const branch = through(
    stem,
    layers.conv2d({ ...base, filters: 24, kernelSize: 1 }), norm(), relu6(),
    layers.depthwiseConv2d({ ...base, kernelSize: 3 }), norm(), layers.activation({ activation: "swish" }),
    layers.conv2d({ ...base, filters: 8, kernelSize: 1 }), norm(),
  );
  const features = through(layers.add().apply([stem, branch]), layers.globalAveragePooling2d({}));
  return tfl.model({ inputs, outputs: layers.dense({ units: 3, kernelInitializer }).apply(features) });
}
const x = () => tf.randomUniform([4, 17, 17, 3], -1, 1, "float32", 7);
const target = () => tf.randomUniform([4, 3], -1, 1, "float32", 8);

/** Gradients of the first step, the losses, and what the trained net and the plain model predict. */
async function train(steps) {
  const net = build();
  const fused = optimizeForTraining(net);
  const variables = net.trainableWeights.map((weight) => weight.read());
  const adam = new FusedAdam({ learningRate: 0.02 });
  const losses = [];
  let gradients;
  for (let step = 0; step < steps; step++) {
    tf.tidy(() => {
      const { value, grads } = tf.variableGrads(
        () => tf.mean(tf.square(tf.sub(fused.apply(x(), { training: true }), target()))), variables);
      losses.push(value.dataSync()[0]);
      gradients ??= variables.map(({ name }) => [...grads[name].dataSync()]);
      adam.applyGradients(grads);
    });
  }
  const predict = (model) => tf.tidy(() => [...model.predict(x()).dataSync()]);
  const result = { gradients, losses, fused: predict(fused), plain: predict(net) };
  adam.dispose();
  net.dispose();
  return result;
}

const wasm = await setupBackend({ threads: 2 });
const again = await setupBackend({ threads: 3 });
const tensors = tf.memory().numTensors;
const onWasm = await train(25);
const left = tf.memory().numTensors - tensors;
await setupBackend({ prefer: ["cpu"] });
const onCpu = await train(3);
const found = (await doctor({ seconds: 0.2 })).backends.find(({ name }) => name === "wasm");
console.log(JSON.stringify({ wasm, again, left, onWasm, onCpu, found }));
`;

// Without SSE4.1 V8 has no WebAssembly SIMD; other processors have another flag or none.
const itOnX64 = process.arch === "x64" ? it : it.skip;

itOnX64("setupBackend trains on wasm in a real runtime without SIMD as on cpu", async () => {
  const { wasm, again, left, onWasm, onCpu, found } = await run("--no-enable-sse4-1", TRAIN);
  const what = { name: "wasm", threads: 1, simd: false, relaxedSimd: false, description: "wasm, 1 thread, no SIMD" };
  expect(wasm).toMatchObject(what);
  expect(again).toMatchObject(what);
  expect(found).toMatchObject({ ...what, available: true });
  expect(found.millisecondsPerImage).toBeGreaterThan(0);
  expect(left).toBe(0);
  const largest = Math.max(...onCpu.gradients.flat().map(Math.abs));
  onCpu.gradients.flat().forEach((value: number, i: number) => {
    expect(Math.abs(onWasm.gradients.flat()[i] - value)).toBeLessThan(1e-4 * largest);
  });
  onCpu.losses.forEach((loss: number, i: number) => {
    expect(Math.abs(onWasm.losses[i] - loss)).toBeLessThan(0.01 * loss);
  });
  expect(onWasm.losses.at(-1)).toBeLessThan(0.5 * onWasm.losses[0]);
  onWasm.plain.forEach((value: number, i: number) => {
    expect(Math.abs(onWasm.fused[i] - value)).toBeLessThan(1e-5);
  });
});

it("setupBackend names a runtime without WebAssembly, keeps the backend in use, and falls back to cpu", async () => {
  const { said, after, name, skipped, sum, err } = await run(
    "--jitless",
    `
    await tf.setBackend("cpu");
    const x = tf.tensor1d([1, 2, 3]);
    const said = await setupBackend({ prefer: ["wasm"], threads: 2 }).catch(({ name, code, message }) => ({ name, code, message }));
    const after = tf.getBackend();
    const { name, skipped } = await setupBackend({ threads: 1 });
    console.log(JSON.stringify({ said, after, name, skipped, sum: [...tf.add(x, 1).dataSync()] }));`,
  );
  expect(said.message).toContain("wasm: this runtime has no WebAssembly. Start Node without --jitless");
  expect(said.code).toBeDefined();
  expect([after, name, skipped.at(-1).name, sum]).toEqual(["cpu", "cpu", "wasm", [2, 3, 4]]);
  expect(err).not.toContain("Aborted");
});
