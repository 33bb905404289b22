#!/usr/bin/env node
/**
 * 50 training steps from one start on the same data on several engines, each in a process of its own; how far each curve
 * is from that of wasm. Writes a row for each net into curves.json and curves.md; exits 1 where a curve is more than 1 % off or a tensor leaks.
 * WebGPU computes on a software driver where there is no other (VK_ICD_FILENAMES names it).
 *
 * `wasm+noise` is wasm from weights that differ in their last place: how far rounding alone carries a curve.
 *
 *   npm run build && node benchmarks/webgpu/curves.mjs [--engines wasm,webgpu,tensorflow] [--nets mobilenet_v2_035,efficientnet_b0]
 *     [--side 32] [--batch 8] [--peak 1e-3] [--warm-up 300] [--steps 50] [--budget SECONDS]
 *
 * With --budget a slow engine stops after that long and goes on, weights and moments unchanged, when it is run again.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { deserialize, serialize } from "node:v8";
import { createLandmarkModel } from "@acr/backbones";
import { setupBackend } from "@acr/backend";
import { FusedAdam, optimizeForTraining } from "@acr/kernels";
import * as tf from "@tensorflow/tfjs-core";
import { machineAndCommit } from "../engine/rounds.mjs";

const LIMIT = 0.01;
const { values: options } = parseArgs({
  options: {
    engines: { type: "string", default: "wasm,webgpu,tensorflow" },
    nets: { type: "string", default: "mobilenet_v2_035,efficientnet_b0" },
    side: { type: "string", default: "32" },
    batch: { type: "string", default: "8" },
    peak: { type: "string", default: "1e-3" },
    "warm-up": { type: "string", default: "300" },
    steps: { type: "string", default: "50" },
    budget: { type: "string" },
    child: { type: "string" },
  },
});
const [side, batch, peak, warmUp, steps] = ["side", "batch", "peak", "warm-up", "steps"].map((key) =>
  Number(options[key]),
);
/** The rate of a step: straight up to `peak` over the warm-up, as recipes do it; without one it is `peak`. */
const rateAt = (step) => (warmUp > 0 ? peak * Math.min(1, (step + 1) / warmUp) : peak);

/** Each weight off by about half a unit in its last place: what a curve does then, it may do between engines too. */
const NOISE = 6e-8;

async function curve(name, backbone) {
  const [engine, isNoisy] = name.split("+");
  const backend = await setupBackend({ prefer: [engine], threads: 2 });
  const description = isNoisy ? `${backend.description}, weights off by ${NOISE} of their size` : backend.description;
  const model = createLandmarkModel({
    backbone,
    imageSize: side,
    landmarkCount: 5,
    seed: 1,
    // Its masks are drawn by the engine.
    ...(backbone.startsWith("e") && { dropPath: 0 }),
  });
  const fused = optimizeForTraining(model);
  const variables = model.trainableWeights.map((weight) => weight.read());
  if (isNoisy) {
    for (const [i, variable] of variables.entries()) {
      tf.tidy(() => {
        const factor = tf.randomUniform(variable.shape, 1 - NOISE, 1 + NOISE, "float32", i);
        variable.assign(tf.mul(variable, factor));
      });
    }
  }
  const adam = new FusedAdam();
  const losses = [];
  let seconds = 0;
  const state = join(tmpdir(), `curve ${[name, backbone, side, batch, peak, warmUp, steps].join(" ")}`);
  if (options.budget && existsSync(state)) {
    const before = deserialize(readFileSync(state));
    model.setWeights(before.weights.map(({ shape, data }) => tf.tensor(data, shape)));
    const ids = Object.fromEntries(variables.map((variable, i) => [i, variable.name]));
    const slots = Object.fromEntries(before.slots.map((slot, i) => [ids[i], slot]));
    adam.setState({ step: before.losses.length, slots });
    losses.push(...before.losses);
    seconds = before.seconds;
  }
  let tensors;
  const started = performance.now();
  const first = losses.length;
  for (let i = first; i < steps; i++) {
    const value = tf.tidy(() => {
      const x = tf.randomUniform([batch, side, side, 3], 0, 255, "float32", i % 4);
      const y = tf.randomUniform([batch, 5, 2], -0.5, 0.5, "float32", 100 + (i % 4));
      const { value, grads } = tf.variableGrads(
        () => tf.mean(tf.square(tf.sub(fused.apply(x, { training: true }), y))),
        variables,
      );
      adam.applyGradients(grads, { learningRate: rateAt(i) });
      return value;
    });
    losses.push((await value.data())[0]);
    value.dispose();
    if (i === first + 1) tensors = tf.memory().numTensors;
    if (performance.now() - started > 1000 * Number(options.budget ?? Number.POSITIVE_INFINITY) && i + 1 < steps) {
      const { slots } = await adam.readState();
      const weights = model.getWeights().map(async (weight) => ({ shape: weight.shape, data: await weight.data() }));
      writeFileSync(
        state,
        serialize({
          losses,
          seconds: seconds + (performance.now() - started) / 1000,
          weights: await Promise.all(weights),
          slots: variables.map((variable) => slots[variable.name]),
        }),
      );
      throw new Error(`${i + 1} of ${steps} steps are done; run it again to go on`);
    }
  }
  rmSync(state, { force: true });
  seconds += (performance.now() - started) / 1000;
  return { description, losses, seconds, leaked: tf.memory().numTensors - tensors };
}

if (options.child) {
  const result = await curve(...options.child.split(","));
  process.stdout.write(`\n${JSON.stringify(result)}`, () => process.exit(0));
} else {
  const file = fileURLToPath(new URL("curves.json", import.meta.url));
  const rows = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : [];
  for (const backbone of options.nets.split(",")) {
    const settings = { backbone, side, batch, peak, warmUp, steps };
    let row = rows.find((other) => Object.keys(settings).every((key) => other[key] === settings[key]));
    if (!row) {
      row = { ...settings, engines: {} };
      rows.push(row);
    }
    for (const engine of options.engines.split(",")) {
      const args = [fileURLToPath(import.meta.url), ...process.argv.slice(2), "--child", `${engine},${backbone}`];
      const out = execFileSync(process.execPath, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
      const { losses, ...run } = JSON.parse(out.trim().split("\n").at(-1));
      row.engines[engine] = { ...run, ...machineAndCommit(), losses };
      writeFileSync(file, `${JSON.stringify(rows, null, 2)}\n`);
    }
  }
  const distance = ({ losses }, { wasm }) =>
    Math.max(...losses.map((loss, i) => Math.abs(loss / (wasm?.losses[i] ?? Number.NaN) - 1)));
  const percent = (value) => `${(100 * value).toPrecision(2)} %`;
  const lines = rows.flatMap(({ backbone, side, batch, peak, warmUp, steps, engines }) =>
    Object.values(engines).map((one) => {
      const rate = warmUp > 0 ? `0 to ${(peak * Math.min(1, steps / warmUp)).toPrecision(2)}` : peak;
      const [first, last] = [one.losses[0], one.losses.at(-1)].map((loss) => loss.toFixed(5));
      return `| ${backbone} | ${side} px, ${batch} | ${rate} | ${one.description} | ${first} | ${last} | ${percent(distance(one, engines))} |`;
    }),
  );
  writeFileSync(
    fileURLToPath(new URL("curves.md", import.meta.url)),
    `# 50 steps on several engines\n\nWritten by curves.mjs. The distance is the largest of all steps, of the loss, from \`wasm\`; 1 % is the limit.\n\n| net | side, batch | Adam's rate | engine | first loss | last loss | distance |\n|---|---|---|---|---|---|---|\n${lines.join("\n")}\n`,
  );
  const isFine = rows.every(({ engines }) =>
    Object.values(engines).every((one) => one.leaked === 0 && distance(one, engines) <= LIMIT),
  );
  process.exit(isFine ? 0 : 1);
}
