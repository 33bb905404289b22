// Times `renderReport` for many faces, drawn ones, predictions with noise: node benchmarks/metrics/report.mjs [faces] [repeats].
import { cpus } from "node:os";
import { createRandom, ibug68 } from "@acr/core";
import { comparePaired, evaluate, evaluateSubsets } from "@acr/metrics";
import { renderReport } from "@acr/report";
import { createSyntheticFaces } from "@acr/synthetic";

const faces = Number(process.argv[2] ?? 700);
const repeats = Number(process.argv[3] ?? 3);
const data = createSyntheticFaces({ count: faces, seed: 1, imageSize: 320, appearance: "varied" });
const targets = [];
const images = [];
for (let i = 0; i < faces; i++) {
  const face = await data.get(i);
  targets.push(face.landmarks);
  if (i < 12) images.push(face.image);
}
const random = createRandom(2);
const times = [];
let bytes = 0;
for (let r = 0; r < repeats; r++) {
  const predictions = ["a", "b"].map(() =>
    targets.map((shape) => Float64Array.from(shape, (v) => v + random.normal(0, 5))),
  );
  const started = performance.now();
  const runs = predictions.map((shapes, n) => {
    const evaluation = evaluate(shapes, targets, { scheme: ibug68 });
    const flags = Object.fromEntries(
      ["one", "two", "three"].map((name, m) => [name, targets.map((_, i) => i % 3 === m)]),
    );
    return {
      name: `run ${n}`,
      recipe: {},
      environment: {},
      history: Array.from({ length: 40 }, (_, e) => ({
        epoch: e + 1,
        trainLoss: 1 / (e + 1),
        nmePercent: 20 / (e + 2),
      })),
      evaluation,
      samples: images.map((image, i) => ({
        id: `${i}`,
        image,
        predicted: shapes[i],
        target: targets[i],
        nmePercent: 1,
      })),
      subsets: evaluateSubsets(
        evaluation.perFacePercent.map((error) => error / 100),
        flags,
      ),
    };
  });
  const comparison = comparePaired(runs[1].evaluation.perFacePercent, runs[0].evaluation.perFacePercent);
  const comparisons = [{ first: "run 1", second: "run 0", adjustedPValue: comparison.pValue, ...comparison }];
  const page = await renderReport({ title: "Benchmark", runs, scheme: ibug68, comparisons });
  times.push(Math.round(performance.now() - started));
  bytes = page.length;
}
console.log(
  JSON.stringify(
    { node: process.version, cpu: cpus()[0].model, cores: cpus().length, faces, runs: 2, bytes, milliseconds: times },
    null,
    2,
  ),
);
