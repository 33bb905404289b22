#!/usr/bin/env node
/**
 * 50 training steps from one start on the same data on several engines, each in a process of its own; how far each curve
 * is from that of wasm. Writes a row for each net into curves.json and curves.md. WebGPU computes on a software driver where
 * there is no other (VK_ICD_FILENAMES names it).
 *
 * `wasm+noise` is wasm from weights that differ in their last place: how far rounding alone carries a curve. Where that is
 * more than 1 %, the setting is called chaotic: no engine can be held to 1 % there. Exits 1 where a curve is more than 1 % off
 * in a setting that is not, or a tensor leaks.
 *
 *   npm run build && node benchmarks/webgpu/curves.mjs [--engines wasm,wasm+noise,tensorflow,webgpu] [--nets mobilenet_v2_035]
 *     [--pictures noise|faces|repeated] [--side 48] [--batch 16] [--peak 1e-3] [--warm-up 300] [--steps 50] [--budget SECONDS]
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
import { setupBackend } from "@acr/backend";
import * as tf from "@tensorflow/tfjs-core";
import { machineAndCommit, writeJson } from "../engine/rounds.mjs";
import { distanceOf, PEAK_RATE, PICTURES, trainCurve, WARM_UP_STEPS } from "../engine/train-curve.mjs";

const LIMIT = 0.01;
const { values: options } = parseArgs({
  options: {
    engines: { type: "string", default: "wasm,wasm+noise,tensorflow,webgpu" },
    nets: { type: "string", default: "mobilenet_v2_035,efficientnet_b0" },
    pictures: { type: "string", default: "noise" },
    side: { type: "string", default: "48" },
    batch: { type: "string", default: "16" },
    peak: { type: "string", default: String(PEAK_RATE) },
    "warm-up": { type: "string", default: String(WARM_UP_STEPS) },
    steps: { type: "string", default: "50" },
    budget: { type: "string" },
    child: { type: "string" },
  },
});
const { pictures } = options;
const [size, batch, peak, warmUp, steps] = ["side", "batch", "peak", "warm-up", "steps"].map((key) =>
  Number(options[key]),
);
if (!PICTURES.includes(pictures)) {
  console.error(`curves: --pictures must be one of ${PICTURES.join(", ")}; got ${pictures}.`);
  process.exit(2);
}

/** Each weight off by about half a unit in its last place: what a curve does then, it may do between engines too. */
const NOISE = 6e-8;

function addNoise(variables) {
  for (const [i, variable] of variables.entries()) {
    tf.tidy(() => {
      const factor = tf.randomUniform(variable.shape, 1 - NOISE, 1 + NOISE, "float32", i);
      variable.assign(tf.mul(variable, factor));
    });
  }
}

/** Everything that a run needs to go on. */
async function save(file, { model, variables, adam, losses, seconds }) {
  const { slots } = await adam.readState();
  const weights = model.getWeights().map(async (weight) => ({ shape: weight.shape, data: await weight.data() }));
  writeFileSync(
    file,
    serialize({
      losses,
      seconds,
      weights: await Promise.all(weights),
      slots: variables.map((variable) => slots[variable.name]),
    }),
  );
}

function restore(file, { model, variables, adam }) {
  const { losses, weights, slots, seconds } = deserialize(readFileSync(file));
  tf.tidy(() => model.setWeights(weights.map(({ shape, data }) => tf.tensor(data, shape))));
  const byName = Object.fromEntries(slots.map((slot, i) => [variables[i].name, slot]));
  adam.setState({ step: losses.length, slots: byName });
  return { losses, seconds };
}

async function curve(name, backbone) {
  const [engine, isNoisy] = name.split("+");
  const backend = await setupBackend({ prefer: [engine], threads: 2 });
  const description = isNoisy ? `${backend.description}, weights off by ${NOISE} of their size` : backend.description;
  const setting = { backbone, size, batch, steps, pictures, peak, warmUp };
  const file = join(tmpdir(), `curve ${[name, ...Object.values(setting)].join(" ")}`);
  const budget = Number(options.budget ?? Number.POSITIVE_INFINITY);
  let before = { losses: [], seconds: 0 };
  const started = performance.now();
  const secondsOf = () => before.seconds + (performance.now() - started) / 1000;
  const { losses, leaked } = await trainCurve(setting, {
    start(state) {
      if (isNoisy) addNoise(state.variables);
      if (options.budget && existsSync(file)) before = restore(file, state);
      return before.losses;
    },
    async afterStep({ losses, ...state }) {
      if (performance.now() - started < 1000 * budget || losses.length === steps) return false;
      await save(file, { ...state, losses, seconds: secondsOf() });
      return true;
    },
  });
  if (losses.length < steps) throw new Error(`${losses.length} of ${steps} steps are done; run it again to go on`);
  rmSync(file, { force: true });
  return { description, losses, seconds: secondsOf(), leaked };
}

/** The table, a row for each engine of each setting. */
function toMarkdown(rows) {
  const percent = (value) => `${(100 * value).toPrecision(2)} %`;
  const lines = rows.flatMap((row) => {
    const { backbone, size, batch, pictures, peak, warmUp, steps, engines } = row;
    const rate = warmUp > 0 ? `0 to ${(peak * Math.min(1, steps / warmUp)).toPrecision(2)}` : peak;
    return Object.values(engines).map((one) => {
      const [first, last] = [one.losses[0], one.losses.at(-1)].map((loss) => loss.toFixed(5));
      const distance = percent(distanceOf(one.losses, engines.wasm?.losses ?? []));
      return `| ${backbone} | ${pictures} | ${size} px, ${batch} | ${rate} | ${isChaotic(row) ? "chaotic" : "stable"} | ${one.description} | ${first} | ${last} | ${distance} |`;
    });
  });
  return `# 50 steps on several engines

Written by curves.mjs. The distance is the largest of all steps, of the loss, from \`wasm\`; 1 % is the limit. A setting is chaotic where
wasm itself parts by more than that when its weights change in their last place; there no engine can be held to the limit.
Pictures: \`noise\` are new ones each step, with nothing to learn but the mean; \`repeated\` are four batches of noise that the net
learns by heart. The stable settings were looked for among several; the README says which were tried.

| net | pictures | side, batch | Adam's rate | setting | engine | first loss | last loss | distance |
|---|---|---|---|---|---|---|---|---|
${lines.join("\n")}
`;
}

/** Whether wasm departs from itself; unknown counts as stable, so that the limit holds. */
const isChaotic = ({ engines }) =>
  engines["wasm+noise"] !== undefined && distanceOf(engines["wasm+noise"].losses, engines.wasm?.losses ?? []) > LIMIT;

if (options.child) {
  const result = await curve(...options.child.split(","));
  process.stdout.write(`\n${JSON.stringify(result)}`, () => process.exit(0));
} else {
  const file = fileURLToPath(new URL("curves.json", import.meta.url));
  const readRows = () => (existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : []);
  for (const backbone of options.nets.split(",")) {
    const setting = { backbone, size, batch, pictures, peak, warmUp, steps };
    for (const engine of options.engines.split(",")) {
      const args = [fileURLToPath(import.meta.url), ...process.argv.slice(2), "--child", `${engine},${backbone}`];
      const out = execFileSync(process.execPath, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
      const { losses, ...rest } = JSON.parse(out.trim().split("\n").at(-1));
      // Read again: another engine may have been recorded meanwhile.
      const rows = readRows();
      let row = rows.find((other) => Object.keys(setting).every((key) => other[key] === setting[key]));
      if (!row) {
        row = { ...setting, engines: {} };
        rows.push(row);
      }
      row.engines[engine] = { ...rest, ...machineAndCommit(), losses };
      writeJson(file, rows);
    }
  }
  const rows = readRows();
  writeFileSync(fileURLToPath(new URL("curves.md", import.meta.url)), toMarkdown(rows));
  const isFine = rows.every((row) =>
    Object.values(row.engines).every(
      (one) => one.leaked === 0 && (isChaotic(row) || distanceOf(one.losses, row.engines.wasm?.losses ?? []) <= LIMIT),
    ),
  );
  process.exit(isFine ? 0 : 1);
}
