// Interleaved rounds of this project, Keras and PyTorch on one machine; see README.md beside this file.
// node benchmarks/engine/compare.mjs --model mobilenet_v2_100 --size 224 --batch 8 --threads 2 --mode train --rounds 5 --steps 4
// KERAS_PYTHON and PYTORCH_PYTHON name the interpreters; an engine without one is left out.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bench, lastJson, machineAndCommit, measureRounds, run } from "./rounds.mjs";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "mobilenet_v2_100" },
    size: { type: "string", default: "224" },
    batch: { type: "string", default: "8" },
    threads: { type: "string", default: "2" },
    mode: { type: "string", default: "train" },
    rounds: { type: "string", default: "5" },
    steps: { type: "string", default: "4" },
  },
});
const { model, size, batch, threads, mode, rounds, steps } = values;
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const peer = (python, script) => () => lastJson(python, [here(script), model, batch, threads, mode, steps, size]);
const engines = {
  acr: () => {
    const { millisecondsPerImage, peakMemoryMb, backend } = bench(values, "--mode", mode);
    return { version: `${backend}, Node ${process.versions.node}`, ms: millisecondsPerImage, peakMemoryMb };
  },
};
const { KERAS_PYTHON, PYTORCH_PYTHON } = process.env;
if (KERAS_PYTHON) engines.keras = peer(KERAS_PYTHON, "peers/keras_step.py");
if (PYTORCH_PYTHON) engines.pytorch = peer(PYTORCH_PYTHON, "peers/pytorch_step.py");

const row = {
  model,
  size: Number(size),
  batch: Number(batch),
  threads: Number(threads),
  mode,
  steps: Number(steps),
  ...machineAndCommit(),
  engines: measureRounds(engines, Number(rounds)),
};
const key = ({ model, size, batch, threads, mode }) => [model, size, batch, threads, mode].join();
let rows = [];
try {
  rows = JSON.parse(readFileSync(here("results.json"), "utf8"));
} catch {}
rows = [...rows.filter((old) => key(old) !== key(row)), row].sort((a, b) => key(a).localeCompare(key(b)));
writeFileSync(here("results.json"), `${JSON.stringify(rows, null, 2)}\n`);

// In the repository's own format, so that its lint has nothing to say.
try {
  run("npx", ["biome", "format", "--write", here("results.json")]);
} catch {}

const cell = (row, name) => row.engines[name]?.medianMs.toFixed(1) ?? "–";
const ratio = (row, name) =>
  row.engines[name] ? (row.engines.acr.medianMs / row.engines[name].medianMs).toFixed(2) : "–";
const least = (row, name) => Math.min(...row.engines[name].rounds);
const leastRatio = (row, name) => (row.engines[name] ? (least(row, "acr") / least(row, name)).toFixed(2) : "–");
const versions = [...new Set(rows.flatMap(({ engines }) => Object.values(engines).map(({ version }) => version)))];
writeFileSync(
  here("results.md"),
  `# Measured steps, milliseconds per image

Medians of interleaved rounds, each a process of its own; "least" compares the best round of each engine. A round in which the
kernel kept both threads on one core, as some virtual machines do at times, costs any engine twice its time. ${rows[0].machine}; ${versions.join("; ")}.

| model | px | batch | threads | mode | ours | Keras | PyTorch | ours / Keras | ours / PyTorch | least, Keras | least, PyTorch | peak MB | rounds | commit |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
${rows
  .map(
    (r) =>
      `| ${r.model} | ${r.size} | ${r.batch} | ${r.threads} | ${r.mode} | ${cell(r, "acr")} | ${cell(r, "keras")} | ${cell(r, "pytorch")} | ${ratio(r, "keras")} | ${ratio(r, "pytorch")} | ${leastRatio(r, "keras")} | ${leastRatio(r, "pytorch")} | ${r.engines.acr.peakMemoryMb?.toFixed(0)} | ${r.engines.acr.rounds.length} | ${r.commit} |`,
  )
  .join("\n")}
`,
);
