#!/usr/bin/env node
/**
 * Trains a small net for 20 steps with the kernels of @acr/kernels in headless Chromium (wasm, one thread, plain SIMD)
 * and in Node with the same build: exits 1 where a loss differs by more than 1e-5 of its size, does not fall, a tensor
 * leaks, or the backend does not say which headers a page that is not cross-origin isolated lacks. Skipped with a
 * message where there is no Chromium.
 *
 *   npm run build && node benchmarks/engine/train-browser.mjs [--json]
 */
import { registerTrainingKernels } from "@acr/kernels";
import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { findChromium, runPage } from "../../consumers/browser/run-page.js";
import { browserFiles } from "../browser-files.mjs";
import { trainingCurve } from "./training-curve.js";

const TOLERANCE = 1e-5;
const browser = findChromium();
if (!browser) {
  console.log("skipped: no Chromium; CHROMIUM names its command");
  process.exit(0);
}

const bundled = await browserFiles(new URL("train-browser-page.js", import.meta.url));
const page = await runPage(browser, bundled, { timeoutMs: 120_000 });
if (page.error) throw new Error(page.error);

await tf.setBackend("wasm");
const kernels = await registerTrainingKernels({ relaxedSimd: false });
const losses = trainingCurve();
const { variant } = kernels;
await kernels.undo();

const distance = Math.max(...losses.map((loss, i) => Math.abs(page.losses[i] - loss) / loss));
const faults = [];
if (page.losses.length !== losses.length || !(distance <= TOLERANCE)) faults.push(`losses differ by ${distance}`);
if (!(losses.at(-1) < losses[0])) faults.push("the loss does not fall");
if (page.variant !== variant) faults.push(`the browser runs ${page.variant}, Node ${variant}`);
if (page.leakedTensors !== 0) faults.push(`${page.leakedTensors} tensors leaked`);
if (page.isolated || !page.description.includes("Cross-Origin-Opener-Policy"))
  faults.push(`the missing headers are not named: ${page.description}`);
if (process.argv.includes("--json")) console.log(JSON.stringify({ distance, node: losses, page }, null, 2));
else
  console.log(
    `Chromium, ${page.variant}: ${losses.length} steps, loss ${losses[0].toFixed(4)} to ${losses.at(-1).toFixed(4)}, ${distance} from Node at most; ${page.description}`,
  );
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
