// Part of browser.mjs: loads each Keras file by its address, in the browser, and compares features; saves and loads once more.
import "@tensorflow/tfjs-backend-wasm";
import { createBackbone, loadKerasWeights, saveKerasModel, saveKerasWeights } from "@acr/backbones";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";

const fetchFloats = async (path) => new Float32Array(await (await fetch(path)).arrayBuffer());
const distance = (a, b) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0) /
  b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

try {
  setWasmPaths("/wasm/");
  await tf.setBackend("wasm");
  const rows = [];
  for (const { backbone, side, files } of await (await fetch("/plan.json")).json()) {
    const at = (name) => `/keras/${backbone}/${name}`;
    const [inputs, features] = [await fetchFloats(at("inputs.f32")), await fetchFloats(at("features.f32"))];
    const predict = (model) =>
      tf.tidy(() =>
        model
          .predict(tf.tensor4d(inputs, [2, side, side, 3]))
          .dataSync()
          .slice(),
      );
    const create = () => createBackbone(backbone, { inputSize: side, pooling: "avg" });
    for (const file of files) {
      const model = create();
      const started = performance.now();
      const { kind, loaded, missing, unused } = await loadKerasWeights(model, at(file));
      const milliseconds = Math.round(performance.now() - started);
      const predicted = predict(model);
      const row = { backbone, file, kind, layers: loaded.length, left: missing.length + unused.length, milliseconds };
      row.error = distance(predicted, features);
      if (file === files[0]) {
        for (const bytes of [await saveKerasWeights(model), await saveKerasModel(model)]) {
          const copy = create();
          await loadKerasWeights(copy, bytes);
          row.savedError = Math.max(row.savedError ?? 0, distance(predict(copy), predicted));
          copy.dispose();
        }
      }
      rows.push(row);
      model.dispose();
    }
  }
  const refused = await loadKerasWeights(createBackbone("pfld_050"), "/plan.json").catch(
    ({ name, message }) => `${name}: ${message}`,
  );
  await fetch("/result", { method: "POST", body: JSON.stringify({ rows, refused, agent: navigator.userAgent }) });
} catch (error) {
  await fetch("/result", { method: "POST", body: JSON.stringify({ error: String(error?.stack ?? error) }) });
}
