// A step in headless Chromium on wasm with each number of threads, page after page in turn, and in Node with as many:
// node benchmarks/engine/browser-step.mjs --model mobilenet_v2_100 --size 224 --batch 8 --mode train --threads 1,2 --rounds 5 --steps 10
// Adds a row to browser-step.json (machine, versions, commit, every round).
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { findChromium, ISOLATING_HEADERS, runPage } from "../../consumers/browser/run-page.js";
import { browserFiles } from "../browser-files.mjs";
import { machineAndCommit, median, recordRow, run, startEngine } from "./rounds.mjs";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "mobilenet_v2_100" },
    size: { type: "string", default: "224" },
    batch: { type: "string", default: "8" },
    mode: { type: "string", default: "train" },
    threads: { type: "string", default: "1,2" },
    rounds: { type: "string", default: "5" },
    steps: { type: "string", default: "10" },
  },
});
const { model: backbone, size, batch, mode } = values;
const steps = Number(values.steps);
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const browser = findChromium();
if (!browser) throw new Error("browser-step.mjs: no Chromium; CHROMIUM names its command");
const bundled = await browserFiles(new URL("browser-step-page.js", import.meta.url));

async function inPage(threads) {
  const options = JSON.stringify({ backbone, size: Number(size), batch: Number(batch), mode, threads, steps });
  const read = (path) => (path === "/options.json" ? options : bundled(path));
  const { error, description, times } = await runPage(browser, read, {
    headers: ISOLATING_HEADERS,
    timeoutMs: 300_000,
  });
  if (error) throw new Error(error);
  return { version: description, ms: median(times) };
}

async function inNode(threads) {
  const peer = [here("peers/acr-step.mjs"), backbone, batch, threads, mode, size, "wasm"];
  const { version, take, stop } = await startEngine(process.execPath, peer);
  const { ms } = await take(steps);
  stop();
  return { version, ms };
}

const engines = {};
for (let round = 0; round < Number(values.rounds); round++) {
  for (const threads of values.threads.split(",").map(Number)) {
    for (const [place, measure] of Object.entries({ chromium: inPage, node: inNode })) {
      const { version, ms } = await measure(threads);
      const name = `${place}, ${threads} thread${threads === 1 ? "" : "s"}`;
      engines[name] ??= { version, rounds: [] };
      engines[name].rounds.push(Number(ms.toFixed(2)));
      console.log(round, place, version, `${ms.toFixed(1)} ms/image`);
    }
  }
}
for (const engine of Object.values(engines)) engine.medianMs = median(engine.rounds);
const chromium = run(browser, ["--version"]).trim();
recordRow(
  here("browser-step.json"),
  { model: backbone, size: Number(size), batch: Number(batch), mode, steps, chromium, ...machineAndCommit(), engines },
  ["model", "size", "batch", "mode"],
);
