#!/usr/bin/env node
/**
 * Times how a batch of crops becomes a float32 tensor on the device: as floats, or as bytes that are converted there
 * (`pixelsToTensor`), in interleaved rounds; the tensor's sum is read, so that nothing is put off. Writes upload.json.
 *
 *   npm run build && node benchmarks/tensorflow/upload.mjs [--engines tensorflow,wasm,webgpu] [--batch 32] [--side 224] [--rounds 15]
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { setupBackend } from "@acr/backend";
import { pixelsToTensor } from "@acr/kernels";
import * as tf from "@tensorflow/tfjs-core";
import { machineAndCommit } from "../engine/rounds.mjs";

const { values } = parseArgs({
  options: {
    engines: { type: "string", default: "tensorflow,wasm" },
    batch: { type: "string", default: "32" },
    side: { type: "string", default: "224" },
    rounds: { type: "string", default: "15" },
  },
});
const [batch, side, rounds] = [values.batch, values.side, values.rounds].map(Number);
const shape = [batch, side, side, 3];
const pixels = Uint8Array.from({ length: batch * side * side * 3 }, (_, i) => (i * 2654435761) >>> 24);
const ways = {
  floats: () => tf.tensor4d(new Float32Array(pixels), shape),
  bytes: () => pixelsToTensor(pixels, shape),
};
const median = (times) => [...times].sort((a, b) => a - b)[times.length >> 1];

const rows = [];
for (const engine of values.engines.split(",")) {
  const { description } = await setupBackend({ prefer: [engine], threads: 2 });
  const times = { floats: [], bytes: [] };
  const sums = new Set();
  for (let i = 0; i <= rounds; i++) {
    for (const [way, make] of Object.entries(ways)) {
      const started = performance.now();
      const x = make();
      const part = tf.tidy(() => tf.sum(tf.slice(x, [0, 0, 0, 0], [1, 8, 8, 3])));
      sums.add((await part.data())[0]);
      if (i > 0) times[way].push(performance.now() - started);
      tf.dispose([x, part]);
    }
  }
  if (sums.size !== 1) throw new Error(`${engine}: the two ways differ`);
  rows.push({
    engine: description,
    batch,
    side,
    floatsMs: median(times.floats),
    bytesMs: median(times.bytes),
    ratio: median(times.floats.map((time, i) => time / times.bytes[i])),
    megabytesMoved: { floats: (4 * pixels.length) / 1e6, bytes: pixels.length / 1e6 },
  });
  console.log(JSON.stringify(rows.at(-1)));
}
const result = { ...machineAndCommit(), rows };
writeFileSync(new URL("upload.json", import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
process.exit(0);
