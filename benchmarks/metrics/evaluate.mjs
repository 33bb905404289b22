// Times `evaluate` on many faces: node benchmarks/metrics/evaluate.mjs [faces] [repeats]. Build the packages first.
import { cpus } from "node:os";
import { createRandom, wflw98 } from "@acr/core";
import { comparePaired, evaluate, NmeAccumulator } from "@acr/metrics";

const faces = Number(process.argv[2] ?? 100_000);
const repeats = Number(process.argv[3] ?? 5);
const random = createRandom(1);
const shape = (spread) => Float32Array.from({ length: 196 }, () => random.uniform(0, spread));
const base = Array.from({ length: 200 }, () => shape(200));
const targets = Array.from({ length: faces }, (_, i) => base[i % 200].map((value) => value + i / 1000));
const predictions = targets.map((target, i) => target.map((value, q) => value + 9 * Math.sin(q * 7 + i)));
const visible = targets.map((_, i) => Uint8Array.from({ length: 98 }, (_, k) => ((k + i) % 5 ? 1 : 0)));

const cases = {
  "evaluate, 1000 resamples": () => evaluate(predictions, targets, { scheme: wflw98 }),
  "evaluate, no intervals": () => evaluate(predictions, targets, { scheme: wflw98, resamples: 0 }),
  "evaluate, visible landmarks only": () => evaluate(predictions, targets, { scheme: wflw98, visible }),
  "two accumulators, merged": () => {
    const parts = [new NmeAccumulator({ scheme: wflw98 }), new NmeAccumulator({ scheme: wflw98 })];
    for (let i = 0; i < faces; i++) parts[i < faces / 2 ? 0 : 1].add(predictions[i], targets[i]);
    parts[0].merge(parts[1]);
    return parts[0].result();
  },
};
const result = cases["evaluate, no intervals"]();
const first = result.perFacePercent;
const second = first.map((value, i) => value + 0.01 * Math.sin(i));
cases["comparePaired, all faces"] = () => comparePaired(first, second);
cases["comparePaired, 689 faces"] = () => comparePaired(first.slice(0, 689), second.slice(0, 689));

const times = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
for (let r = 0; r < repeats; r++) {
  for (const [name, run] of Object.entries(cases)) {
    const started = performance.now();
    run();
    times[name].push(performance.now() - started);
  }
}
const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
console.log(
  JSON.stringify(
    {
      node: process.version,
      cpu: cpus()[0].model,
      cores: cpus().length,
      faces,
      landmarks: 98,
      repeats,
      medianMilliseconds: Object.fromEntries(
        Object.entries(times).map(([name, list]) => [name, Math.round(median(list))]),
      ),
    },
    null,
    2,
  ),
);
