// Two builds of this project, step by step in turn on one machine: the ratio of two neighbours says more than two runs do.
// node benchmarks/engine/compare-builds.mjs --old FOLDER --model mobilenet_v2_100 --size 224 --batch 8 --threads 2 --mode train --steps 20
// FOLDER is another checkout of this repository, built. --flags are Node's, for the new build alone.
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startEngine } from "./rounds.mjs";

const { values } = parseArgs({
  options: {
    old: { type: "string" },
    model: { type: "string", default: "mobilenet_v2_100" },
    size: { type: "string", default: "224" },
    batch: { type: "string", default: "8" },
    threads: { type: "string", default: "2" },
    mode: { type: "string", default: "train" },
    steps: { type: "string", default: "20" },
    flags: { type: "string", default: "" },
  },
});
const { old, model, size, batch, threads, mode, steps, flags } = values;
const peer = fileURLToPath(new URL("peers/acr-step.mjs", import.meta.url));
const start = async (folder, nodeFlags) => ({
  ...(await startEngine(process.execPath, [...nodeFlags, peer, model, batch, threads, mode, size, "wasm", folder])),
  ms: [],
});
const root = fileURLToPath(new URL("../../", import.meta.url));
const builds = [await start(old ?? root, []), await start(root, flags.split(" ").filter(Boolean))];
for (let i = 0; i < Number(steps); i++) {
  for (const build of i % 2 ? builds : [...builds].reverse()) {
    const { ms, value } = await build.take(1);
    build.ms.push(ms);
    build.value = value;
  }
}
for (const { stop } of builds) stop();
const quantile = (list, q) => [...list].sort((a, b) => a - b)[Math.floor((list.length - 1) * q)];
const [before, after] = builds;
const ratios = after.ms.map((ms, i) => ms / before.ms[i]);
const show = (ms) => `least ${quantile(ms, 0).toFixed(2)}, median ${quantile(ms, 0.5).toFixed(2)} ms/image`;
console.log(`old ${show(before.ms)}; new ${show(after.ms)}`);
console.log(
  `new / old: median of neighbours ${quantile(ratios, 0.5).toFixed(3)} (quartiles ${quantile(ratios, 0.25).toFixed(3)} to ${quantile(ratios, 0.75).toFixed(3)}), of the least ${(quantile(after.ms, 0) / quantile(before.ms, 0)).toFixed(3)}`,
);
console.log(`last values ${before.value} and ${after.value}`);
