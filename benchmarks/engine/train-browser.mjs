#!/usr/bin/env node
/**
 * Trains a small net for 20 steps with the kernels of @acr/kernels in headless Chromium and in Node: on wasm with one thread and
 * plain SIMD, on x64 also without SIMD, and in a page that is cross-origin isolated on two threads. Exits 1 where a loss differs
 * by more than 1e-5 of its size (with two threads: by a bit), does not fall, a tensor leaks, a page that is not isolated is not
 * told which headers it lacks, one whose policy forbids workers does not train on one thread, or a worker that is ended is not
 * noticed and replaced. Skipped with a message where there is no Chromium.
 *
 *   npm run build && node benchmarks/engine/train-browser.mjs [--json]
 */
import { fileURLToPath } from "node:url";
import { registerTrainingKernels } from "@acr/kernels";
import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { findChromium, ISOLATING_HEADERS, runPage } from "../../consumers/browser/run-page.js";
import { browserFiles } from "../browser-files.mjs";
import { run } from "./rounds.mjs";
import { trainingCurve } from "./training-curve.js";

/** Without SIMD tfjs' own operations, as the dense layer's, add in another order; the kernels do not. */
const TOLERANCE = 1e-5;
const browser = findChromium();
if (!browser) {
  console.log("skipped: no Chromium; CHROMIUM names its command");
  process.exit(0);
}

/** The builds, and the flags that make Chromium take them: V8 has no SIMD without SSE4.1. */
const BUILDS = [{ variant: "simd", flags: [] }];
if (process.arch === "x64") BUILDS.push({ variant: "scalar", flags: ["--js-flags=--no-enable-sse4-1"] });

const bundled = await browserFiles(new URL("train-browser-page.js", import.meta.url));
await tf.setBackend("wasm");
const kernels = await registerTrainingKernels({ relaxedSimd: false });
const losses = trainingCurve();
await kernels.undo();

const faults = [];
if (kernels.variant !== "simd") faults.push(`Node runs ${kernels.variant}, not simd`);
if (!(losses.at(-1) < losses[0])) faults.push("the loss does not fall");
const pages = [];
for (const { variant, flags } of BUILDS) {
  const page = await runPage(browser, bundled, { timeoutMs: 120_000, flags });
  if (page.error) throw new Error(page.error);
  pages.push(page);
  const says = (fault) => faults.push(`${variant}: ${fault}`);
  const distance = Math.max(...losses.map((loss, i) => Math.abs(page.losses[i] - loss) / loss));
  if (page.losses.length !== losses.length || !(distance <= TOLERANCE)) says(`losses differ by ${distance}`);
  if (page.variant !== variant) says(`the browser runs ${page.variant}`);
  if (page.leakedTensors !== 0) says(`${page.leakedTensors} tensors leaked`);
  // Threads need SIMD too, so that the headers would not help without.
  const missing = variant === "scalar" ? "no SIMD" : "Cross-Origin-Opener-Policy";
  if (page.isolated || !page.description.includes(missing)) says(`what is missing is not named: ${page.description}`);
  if (!process.argv.includes("--json"))
    console.log(
      `Chromium, ${page.variant}: ${losses.length} steps, loss ${losses[0].toFixed(4)} to ${losses.at(-1).toFixed(4)}, ${distance} from Node at most; ${page.description}`,
    );
}
pages.push(await checkThreads());
if (process.argv.includes("--json")) console.log(JSON.stringify({ node: losses, pages }, null, 2));
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;

/** A page with the headers that allow shared memory trains on two threads, bit for bit as Node does, and outlives a worker. */
async function checkThreads() {
  const onThreads = JSON.parse(
    run(process.execPath, [fileURLToPath(new URL("training-curve-on-threads.mjs", import.meta.url))]),
  );
  const page = await runPage(browser, bundled, { timeoutMs: 120_000, headers: ISOLATING_HEADERS });
  if (page.error) throw new Error(page.error);
  const says = (fault) => faults.push(`threads: ${fault}`);
  const isSame = (curve) => JSON.stringify(curve) === JSON.stringify(onThreads);
  if (!page.isolated) says("the page is not isolated");
  if (page.threads !== 2 || page.threadsAgain !== 2) says(`${page.threads} threads, then ${page.threadsAgain}`);
  if (!isSame(page.losses)) says(`losses are not those of Node: ${page.losses}`);
  if (!isSame(page.lossesAgain)) says(`losses after the second start are not those of the first: ${page.lossesAgain}`);
  if (page.leakedTensors !== 0) says(`${page.leakedTensors} tensors leaked`);
  if (!page.fault?.startsWith("BackendError: ThreadPool: a worker died")) says(`an ended worker gave ${page.fault}`);
  const headers = { ...ISOLATING_HEADERS, "Content-Security-Policy": "worker-src 'self'" };
  const strict = await runPage(browser, bundled, { timeoutMs: 120_000, headers });
  if (strict.error) throw new Error(strict.error);
  if (strict.threads !== 1 || !strict.description.includes("worker-src blob:"))
    says(`a page that may not start workers says ${strict.description}`);
  if (!(strict.losses.at(-1) < strict.losses[0])) says("in a page that may not start workers the loss does not fall");
  if (!process.argv.includes("--json"))
    console.log(
      `Chromium, isolated: ${page.description}; losses ${isSame(page.losses) ? "equal" : "not equal"} to Node's; a worker was ended: ${page.fault}\nChromium, no workers: ${strict.description}`,
    );
  return page;
}
