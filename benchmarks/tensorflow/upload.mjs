#!/usr/bin/env node
/**
 * Times how a batch of crops becomes a float32 tensor on the device, in interleaved rounds: as floats, as bytes that are
 * converted there (`pixelsToTensor`), and as bytes with photometric changes, made here before or by the device on the way.
 * Then the faces a second that a loader makes on one thread, with all changes made here and with what the device can make
 * left to it (`deferPixels`). Some values of each tensor are read, so that nothing is put off; the ways must agree. Writes upload.json and
 * upload.md.
 *
 *   npm run build && node benchmarks/tensorflow/upload.mjs [--engines tensorflow,wasm,webgpu] [--batch 32] [--side 224] [--rounds 15]
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { defaultAugmentation } from "@acr/augment";
import { setupBackend } from "@acr/backend";
import { applyPixelChanges, packPixelChanges } from "@acr/core";
import { createLoader } from "@acr/datasets";
import { pixelsToTensor } from "@acr/kernels";
import { createSyntheticFaces } from "@acr/synthetic";
import * as tf from "@tensorflow/tfjs-core";
import { machineAndCommit, median } from "../engine/rounds.mjs";

const { values } = parseArgs({
  options: {
    engines: { type: "string", default: "tensorflow,wasm,webgpu" },
    batch: { type: "string", default: "32" },
    side: { type: "string", default: "224" },
    rounds: { type: "string", default: "15" },
  },
});
const [batch, side, rounds] = [values.batch, values.side, values.rounds].map(Number);
const shape = [batch, side, side, 3];
const pixels = Uint8Array.from({ length: batch * side * side * 3 }, (_, i) => (i * 2654435761) >>> 24);
// As the default augmentation makes them: tones on every picture, a block on some.
const changes = packPixelChanges(
  Array.from({ length: batch }, (_, k) => ({
    levels: Uint8Array.from({ length: 768 }, (_, i) => Math.min(255, (i & 255) * 0.9 + k)),
    ...(k % 3 === 0 && { block: { left: k, top: k, right: k + 40, bottom: k + 60, color: [200, 90, 20] } }),
  })),
);
const ways = {
  floats: () => tf.tensor4d(new Float32Array(pixels), shape),
  bytes: () => pixelsToTensor(pixels, shape),
  changedHere: () => {
    const changed = Uint8Array.from(pixels);
    applyPixelChanges(changed, changes, { width: side, height: side });
    return pixelsToTensor(changed, shape);
  },
  changedOnDevice: () => pixelsToTensor(pixels, shape, { changes }),
};

const engines = [];
for (const engine of values.engines.split(",")) {
  const { description } = await setupBackend({ prefer: [engine], threads: 2 });
  const times = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
  const sums = Object.fromEntries(Object.keys(ways).map((way) => [way, 0]));
  for (let round = 0; round <= rounds; round++) {
    for (const [way, make] of Object.entries(ways)) {
      const started = performance.now();
      const x = make();
      const part = tf.tidy(() => tf.sum(tf.slice(x, [0, 0, 0, 0], [1, 8, 8, 3])));
      [sums[way]] = await part.data();
      if (round > 0) times[way].push(performance.now() - started);
      tf.dispose([x, part]);
    }
  }
  if (sums.floats !== sums.bytes || sums.changedHere !== sums.changedOnDevice)
    throw new Error(`${engine}: the ways differ: ${JSON.stringify(sums)}`);
  const milliseconds = Object.fromEntries(Object.entries(times).map(([way, list]) => [way, median(list)]));
  engines.push({ engine: description, milliseconds, rounds: times });
  console.log(JSON.stringify({ engine: description, milliseconds }));
}

/** Faces a second of an epoch whose crops are stored already. */
async function loaderSpeed() {
  const faces = createSyntheticFaces({ count: 4 * batch, imageSize: side, seed: 1 });
  const speeds = { here: [], deferred: [] };
  const loaders = Object.fromEntries(
    Object.keys(speeds).map((way) => [
      way,
      createLoader(faces, {
        batchSize: batch,
        imageSize: side,
        augment: defaultAugmentation(),
        workers: 0,
        cacheMegabytes: 2000,
        deferPixels: way === "deferred",
      }),
    ]),
  );
  for (let epoch = 0; epoch <= 5; epoch++) {
    for (const [way, loader] of Object.entries(loaders)) {
      const started = performance.now();
      for await (const _ of loader.epoch(epoch)) {
        // Nothing trains here.
      }
      if (epoch > 0) speeds[way].push((1000 * faces.length) / (performance.now() - started));
    }
  }
  for (const loader of Object.values(loaders)) await loader.close();
  return Object.fromEntries(Object.entries(speeds).map(([way, list]) => [way, median(list)]));
}
const facesPerSecond = await loaderSpeed();
console.log(JSON.stringify({ facesPerSecond }));

const result = { ...machineAndCommit(), batch, side, engines, facesPerSecond };
const here = (name) => new URL(name, import.meta.url);
writeFileSync(here("upload.json"), `${JSON.stringify(result, null, 2)}\n`);
const ms = (value) => value.toFixed(1);
const row = ({ engine, milliseconds: m }) =>
  `| ${engine} | ${Object.keys(ways)
    .map((way) => ms(m[way]))
    .join(" | ")} |`;
writeFileSync(
  here("upload.md"),
  `# Batches to the device

Written by upload.mjs: milliseconds for ${batch} crops of ${side} px (${(pixels.length / 1e6).toFixed(1)} MB as bytes, four times that as floats), medians of
${rounds} interleaved rounds. ${result.machine}, commit ${result.commit}. No GPU was available: the "device" is this processor, so that what a
transfer costs on a bus is not in these figures.

| engine | as floats | as bytes | bytes, changed here | bytes, changed on the device |
|---|---|---|---|---|
${engines.map(row).join("\n")}

Faces a second of a loader on one thread, crops stored, default augmentation: ${facesPerSecond.here.toFixed(0)} with all changes made here,
${facesPerSecond.deferred.toFixed(0)} with tones and blocks left to the device.
`,
);
process.exit(0);
