// Runs in the browser: trains on wasm with this project's kernels. See train-browser.mjs.
import { setupBackend } from "@acr/backend";
import { registerTrainingKernels } from "@acr/kernels";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { trainingCurve } from "./training-curve.js";

const report = (result) => fetch("/result", { method: "POST", body: JSON.stringify(result) });
const isolated = globalThis.crossOriginIsolated;

/** On one thread, plain SIMD or none. */
async function trainAlone() {
  await tf.setBackend("wasm");
  const kernels = await registerTrainingKernels({ relaxedSimd: false });
  const { variant } = kernels;
  const curve = measure();
  await kernels.undo();
  const { description, threads } = await setupBackend({ prefer: ["wasm"] });
  return { variant, ...curve, description, threads };
}

/** On two threads, of which one is then ended: the next step must say so, and a new start train as before. */
async function trainOnThreads() {
  const started = [];
  const { Worker } = globalThis;
  globalThis.Worker = class extends Worker {
    constructor(...args) {
      super(...args);
      started.push(this);
    }
  };
  const { description, threads } = await setupBackend({ prefer: ["wasm"], threads: 2 });
  globalThis.Worker = Worker;
  // A page that may start none.
  if (threads === 1) return { description, threads, losses: trainingCurve() };
  const curve = measure();
  started.at(-1).terminate();
  let fault;
  // A browser lets a worker that computes go on for seconds.
  for (let i = 0; i < 100 && !fault; i++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    try {
      trainingCurve();
    } catch (error) {
      fault = `${error.name}: ${error.message}`;
    }
  }
  const again = await setupBackend({ prefer: ["wasm"], threads: 2 });
  return { ...curve, description, threads, fault, threadsAgain: again.threads, lossesAgain: trainingCurve() };
}

function measure() {
  const before = tf.memory().numTensors;
  const losses = trainingCurve();
  return { losses, leakedTensors: tf.memory().numTensors - before };
}

try {
  setWasmPaths("/wasm/");
  await report({ isolated, ...(await (isolated ? trainOnThreads() : trainAlone())) });
} catch (error) {
  await report({ error: String(error?.stack ?? error) });
}
