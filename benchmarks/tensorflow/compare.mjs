#!/usr/bin/env node
/**
 * Rounds of a training step, in which engines take turns, each a process of its own: our kernels on tensorflow and on wasm, tfjs-node as it
 * comes on the same TensorFlow, and Keras (KERAS_PYTHON names its interpreter). Adds a row to results.json and writes
 * results.md, with machine, versions, commit and every round. Run it on an idle machine.
 *
 *   KERAS_PYTHON=…/python node benchmarks/tensorflow/compare.mjs --batch 8 [--model efficientnet_b0] [--rounds 5] [--steps 5]
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compareEngines, machineAndCommit, recordRow, sectionsByMachine, startEngine } from "../engine/rounds.mjs";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "mobilenet_v2_100" },
    size: { type: "string", default: "224" },
    batch: { type: "string", default: "8" },
    threads: { type: "string", default: "2" },
    rounds: { type: "string", default: "5" },
    steps: { type: "string", default: "5" },
    engines: { type: "string", default: "tensorflow,keras,stock,wasm" },
  },
});
const { model, size, batch, threads, rounds, steps } = values;
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const step = [model, batch, threads, "train", size];
const ours = (backend) => () => startEngine(process.execPath, [here("../engine/peers/acr-step.mjs"), ...step, backend]);
const engines = {
  tensorflow: ours("tensorflow"),
  keras: () => startEngine(process.env.KERAS_PYTHON, [here("../engine/peers/keras_step.py"), ...step]),
  stock: () => startEngine(process.execPath, [here("stock-step.mjs"), ...step]),
  wasm: ours("wasm"),
};
const wanted = values.engines.split(",").filter((name) => name !== "keras" || process.env.KERAS_PYTHON);
const starts = Object.fromEntries(wanted.map((name) => [name, engines[name]]));
const measured = await compareEngines(starts, Number(rounds), Number(steps));
const setting = { model, size: Number(size), batch: Number(batch), threads: Number(threads), ...machineAndCommit() };
const file = here("results.json");
const keys = ["model", "size", "batch", "threads"];
const before = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : [];
const former = before.find((row) => ["machine", ...keys].every((key) => row[key] === setting[key]));
// Engines that were left out today keep what was measured of them on this machine, with its commit.
const kept = Object.entries(former?.engines ?? {}).map(([name, engine]) => [
  name,
  { commit: former.commit, ...engine },
]);
const row = { ...setting, engines: { ...Object.fromEntries(kept), ...measured } };
const rows = recordRow(file, row, keys);
const cell = (row, name) => row.engines[name]?.medianMs.toFixed(1) ?? "–";
const ratio = (row, name) =>
  row.engines[name] && row.engines.tensorflow
    ? (row.engines[name].medianMs / row.engines.tensorflow.medianMs).toFixed(2)
    : "–";
const versions = (rows) =>
  [...new Set(rows.flatMap(({ engines }) => Object.values(engines).map(({ version }) => version)))].sort();
const line = (row) =>
  `| ${row.model} | ${row.size} | ${row.batch} | ${row.threads} | ${["tensorflow", "keras", "stock", "wasm"].map((name) => cell(row, name)).join(" | ")} | ${ratio(row, "keras")} | ${ratio(row, "stock")} | ${row.engines.tensorflow?.peakMemoryMb ?? "–"} | ${row.engines.tensorflow?.rounds.length ?? "–"} | ${row.commit} |`;
writeFileSync(
  here("results.md"),
  `# A training step: milliseconds per image

Medians of rounds in which the engines take turns; forward, backward and Adam. \`tensorflow\` and \`wasm\` with our kernels; \`stock\` is tfjs-node as it comes,
on the same TensorFlow. Ratios above 1 say how many times longer the other takes. Written by \`compare.mjs\`.

${sectionsByMachine(
  rows,
  (rows) => `${versions(rows).join("; ")}.

| model | px | batch | threads | tensorflow | Keras | stock | wasm | Keras / tensorflow | stock / tensorflow | peak MB | rounds | commit |
|---|---|---|---|---|---|---|---|---|---|---|---|---|
${rows.map(line).join("\n")}`,
)}
`,
);
console.log(JSON.stringify(row));
