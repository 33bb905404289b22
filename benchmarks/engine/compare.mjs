// Rounds of this project, Keras and PyTorch in turn on one machine; see README.md beside this file.
// node benchmarks/engine/compare.mjs --model mobilenet_v2_100 --size 224 --batch 8 --threads 2 --mode train --rounds 5 --steps 5
// KERAS_PYTHON and PYTORCH_PYTHON name the interpreters; an engine without one is left out. --wide asks for 256-bit registers;
// ACR_NODE then names a Node that has them, if this is none.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compareEngines, machineAndCommit, recordRow, sectionsByMachine, startEngine } from "./rounds.mjs";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "mobilenet_v2_100" },
    size: { type: "string", default: "224" },
    batch: { type: "string", default: "8" },
    threads: { type: "string", default: "2" },
    mode: { type: "string", default: "train" },
    rounds: { type: "string", default: "5" },
    steps: { type: "string", default: "5" },
    wide: { type: "boolean", default: false },
  },
});
const { model, size, batch, threads, mode, rounds, steps, wide } = values;
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const step = [model, batch, threads, mode, size];
const { ACR_NODE = process.execPath, KERAS_PYTHON, PYTORCH_PYTHON } = process.env;
const environment = wide ? { ACR_WIDE_REGISTERS: "1" } : {};
const starts = { acr: () => startEngine(ACR_NODE, [here("peers/acr-step.mjs"), ...step, "wasm"], environment) };
if (KERAS_PYTHON) starts.keras = () => startEngine(KERAS_PYTHON, [here("peers/keras_step.py"), ...step]);
if (PYTORCH_PYTHON) starts.pytorch = () => startEngine(PYTORCH_PYTHON, [here("peers/pytorch_step.py"), ...step]);

const row = {
  model,
  size: Number(size),
  batch: Number(batch),
  threads: Number(threads),
  mode,
  ...(wide && { wide }),
  steps: Number(steps),
  ...machineAndCommit(),
  engines: await compareEngines(starts, Number(rounds), Number(steps)),
};
const rows = recordRow(here("results.json"), row, ["model", "size", "batch", "threads", "mode", "wide"]);

const cell = (row, name) => row.engines[name]?.medianMs.toFixed(1) ?? "–";
const ratio = (row, name) =>
  row.engines[name] ? (row.engines.acr.medianMs / row.engines[name].medianMs).toFixed(2) : "–";
const least = (row, name) => Math.min(...row.engines[name].rounds);
const leastRatio = (row, name) => (row.engines[name] ? (least(row, "acr") / least(row, name)).toFixed(2) : "–");
const versions = (rows) =>
  [...new Set(rows.flatMap(({ engines }) => Object.values(engines).map(({ version }) => version)))].sort();
writeFileSync(
  here("results.md"),
  `# Measured steps, milliseconds per image

Medians of rounds in which the engines, each a process of its own, take turns; "least" compares the best round of each. Turns of
which the machine took a quarter, as virtual machines do that keep both threads on one core, were taken again (\`rounds.mjs\`).

${sectionsByMachine(
  rows,
  (rows) => `${versions(rows).join("; ")}.

| model | px | batch | threads | mode | registers | ours | Keras | PyTorch | ours / Keras | ours / PyTorch | least, Keras | least, PyTorch | peak MB | rounds | commit |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
${rows
  .map(
    (r) =>
      `| ${r.model} | ${r.size} | ${r.batch} | ${r.threads} | ${r.mode} | ${r.wide ? 256 : 128} | ${cell(r, "acr")} | ${cell(r, "keras")} | ${cell(r, "pytorch")} | ${ratio(r, "keras")} | ${ratio(r, "pytorch")} | ${leastRatio(r, "keras")} | ${leastRatio(r, "pytorch")} | ${r.engines.acr.peakMemoryMb?.toFixed(0)} | ${r.engines.acr.rounds.length} | ${r.commit} |`,
  )
  .join("\n")}`,
)}
`,
);
