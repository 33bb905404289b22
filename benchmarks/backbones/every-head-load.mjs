// Part of every-head.mjs: loads what it saved with plain tfjs, without this project, and with onnxruntime.
// Prints { head: { tfjs, onnx } }: largest absolute differences to the saved outputs, in crop sides. Usage: every-head-load.mjs FOLDER
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { loadLayersModel } from "@tensorflow/tfjs-layers";
import "@tensorflow/tfjs-backend-wasm";

// NODE_PATH may name a folder that holds it.
const ort = createRequire(import.meta.url)("onnxruntime-node");
const [folder] = process.argv.slice(2);
await tf.setBackend("wasm");
const floats = (file) => new Float32Array(new Uint8Array(readFileSync(file)).buffer);
const distance = (a, b) => {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return a.reduce((most, value, i) => (Math.abs(value - b[i]) <= most ? most : Math.abs(value - b[i])), 0);
};
const results = {};
for (const head of readdirSync(folder)) {
  const at = (name) => join(folder, head, name);
  const { modelTopology, weightsManifest } = JSON.parse(readFileSync(at("model.json"), "utf8"));
  const model = await loadLayersModel({
    load: async () => ({
      modelTopology,
      weightSpecs: weightsManifest[0].weights,
      weightData: new Uint8Array(readFileSync(at("weights.bin"))).buffer,
    }),
  });
  const [input, expected] = [floats(at("in.f32")), floats(at("out.f32"))];
  const shape = [2, ...model.inputs[0].shape.slice(1)];
  const actual = tf.tidy(() => model.predict(tf.tensor4d(input, shape)).dataSync().slice());
  const session = await ort.InferenceSession.create(at("model.onnx"));
  const outputs = await session.run({ [session.inputNames[0]]: new ort.Tensor("float32", input, shape) });
  results[head] = {
    tfjs: distance(actual, expected),
    onnx: distance(outputs[session.outputNames[0]].data, expected),
  };
  await session.release?.();
  model.dispose();
}
console.log(JSON.stringify(results));
