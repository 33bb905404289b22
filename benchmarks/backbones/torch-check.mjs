// Loads the safetensors files of torch_models.py into this package's backbones and compares their features with PyTorch's.
//   node benchmarks/backbones/torch-check.mjs FOLDER > benchmarks/backbones/torch.json
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createBackbone, loadWeights } from "@acr/backbones";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-wasm";

const folder = process.argv[2];
await tf.setBackend("wasm");
const floats = (name) => new Float32Array(new Uint8Array(readFileSync(join(folder, name))).buffer);
const { models, height, width, ...versions } = JSON.parse(readFileSync(join(folder, "models.json"), "utf8"));
const rows = [];
for (const { library, model: name, backbone, options, key, shape } of models) {
  const model = createBackbone(backbone, { inputSize: [height, width], ...options });
  const { loaded, missing, unused } = await loadWeights(model, join(folder, `${key}.safetensors`));
  // EfficientNet normalises inside; the others here get what PyTorch's got.
  const isRaw = /^efficientnet_b/.test(backbone);
  const input = floats(isRaw ? "pixels.f32" : "normal.f32");
  const actual = tf.tidy(() => {
    const output = model.predict(tf.tensor4d(input, [2, height, width, 3]));
    if (String(output.shape) !== String(shape)) throw new Error(`${key}: [${output.shape}] for [${shape}]`);
    return output.dataSync().slice();
  });
  const expected = floats(`${key}.f32`);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const error = actual.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0) / largest;
  rows.push({
    library,
    model: name,
    backbone,
    options,
    layers: loaded.length,
    missing,
    unused,
    error,
    ok: error < 1e-4,
  });
  console.error(key, error);
  model.dispose();
}
console.log(
  JSON.stringify({ ...versions, failures: rows.filter(({ ok }) => !ok).map(({ model }) => model), rows }, null, 1),
);
