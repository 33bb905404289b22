// Runs in the browser: trains on wasm with this project's kernels. See train-browser.mjs.
import { setupBackend } from "@acr/backend";
import { registerTrainingKernels } from "@acr/kernels";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { trainingCurve } from "./training-curve.js";

const report = (result) => fetch("/result", { method: "POST", body: JSON.stringify(result) });
try {
  setWasmPaths("/wasm/");
  await tf.setBackend("wasm");
  const kernels = await registerTrainingKernels({ relaxedSimd: false });
  const { variant } = kernels;
  const before = tf.memory().numTensors;
  const losses = trainingCurve();
  const leakedTensors = tf.memory().numTensors - before;
  await kernels.undo();
  const { description, threads } = await setupBackend({ prefer: ["wasm"] });
  await report({ variant, losses, leakedTensors, description, threads, isolated: globalThis.crossOriginIsolated });
} catch (error) {
  await report({ error: String(error?.stack ?? error) });
}
