/**
 * Throughput of the data loader: `node benchmarks/data/throughput.mjs <300w folder> [out.json]`, alone on the machine, after
 * `npm run build`. Rounds of all variants are interleaved; the table holds medians.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { strongAugmentation } from "@acr/augment";
import { createLoader, open300W, openPrepared, prepareDataset } from "@acr/datasets";

const [root, out] = process.argv.slice(2);
if (!root) throw new Error("usage: node benchmarks/data/throughput.mjs <300w folder> [out.json]");
const ROUNDS = 3;
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

const openings = [];
let faces;
for (let i = 0; i < 5; i++) {
  const started = performance.now();
  faces = await open300W({ root, onWarning() {} });
  openings.push(performance.now() - started);
}
const folder = mkdtempSync(join(os.tmpdir(), "acr-bench-"));
const file = join(folder, "faces.acr");
const preparing = performance.now();
const { bytes } = await prepareDataset(faces, { file, imageSize: 112 });
const prepareSeconds = (performance.now() - preparing) / 1000;
const prepared = await openPrepared({ file });

/** Faces a second through decoding, crop and strong augmentation, threads warm. */
async function measure(dataset, { workers, count, decoder }) {
  // Nothing is remembered: each face is decoded.
  const loader = createLoader(dataset, {
    batchSize: 16,
    imageSize: 112,
    augment: strongAugmentation(),
    workers,
    cacheMegabytes: 0,
    ...(decoder && { decoder }),
  });
  let [done, started] = [0, 0];
  const warm = Math.min(256, count);
  for await (const { size } of loader.epoch(0)) {
    done += size;
    if (started === 0 && done >= warm) [started, done] = [performance.now(), 0];
    if (started > 0 && done >= count) break;
  }
  const speed = done / ((performance.now() - started) / 1000);
  await loader.close();
  return speed;
}

const variants = [];
for (const workers of [0, 1, 2]) {
  variants.push({ source: "JPEG, sharp", workers, decoder: "sharp", dataset: faces, count: 512 });
  variants.push({ source: "JPEG, jimp", workers, decoder: "jimp", dataset: faces, count: 192 });
  variants.push({ source: "prepared file", workers, dataset: prepared, count: 1600 });
}
const speeds = new Map(variants.map((variant) => [variant, []]));
const memory = [];
for (let round = 0; round < ROUNDS; round++)
  for (const variant of variants) {
    speeds.get(variant).push(await measure(variant.dataset, variant));
    memory.push(process.memoryUsage.rss() / 1e6);
  }
rmSync(folder, { recursive: true });
const result = {
  machine: { cpu: os.cpus()[0].model, cores: os.availableParallelism(), memoryGb: Math.round(os.totalmem() / 2 ** 30) },
  node: process.version,
  commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim(),
  facesPerSecond: variants.map((variant) => ({
    source: variant.source,
    workers: variant.workers,
    median: Math.round(median(speeds.get(variant))),
    all: speeds.get(variant).map(Math.round),
  })),
  open: { faces: faces.length, medianMilliseconds: Math.round(median(openings)), all: openings.map(Math.round) },
  prepare: { faces: faces.length, seconds: Number(prepareSeconds.toFixed(1)), megabytes: Math.round(bytes / 1e6) },
  peakRssMegabytes: Math.round(Math.max(...memory)),
};
console.log(JSON.stringify(result, null, 2));
if (out) writeFileSync(out, `${JSON.stringify(result, null, 2)}\n`);
