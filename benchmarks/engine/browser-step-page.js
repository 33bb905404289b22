// Runs in the browser: times steps with the options of browser-step.mjs.
import { createLandmarkModel } from "@acr/backbones";
import { setupBackend } from "@acr/backend";
import { FusedAdam, optimizeForTraining } from "@acr/kernels";
import { l2Loss } from "@acr/loss";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { createStep } from "./peers/create-step.js";

const report = (result) => fetch("/result", { method: "POST", body: JSON.stringify(result) });
/** V8 compiles the kernels well only after they have run for a while. */
const WARM_UP_MS = 1500;

try {
  const { threads, steps, ...options } = await fetch("/options.json").then((response) => response.json());
  setWasmPaths("/wasm/");
  const { description } = await setupBackend({ prefer: ["wasm"], threads });
  const step = createStep({ tf, createLandmarkModel, FusedAdam, optimizeForTraining, l2Loss }, options);
  for (const begun = performance.now(); performance.now() - begun < WARM_UP_MS; ) await step();
  const times = [];
  for (let i = 0; i < steps; i++) {
    const begun = performance.now();
    await step();
    times.push((performance.now() - begun) / options.batch);
  }
  await report({ description, times });
} catch (error) {
  await report({ error: String(error?.stack ?? error) });
}
