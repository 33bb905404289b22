// Prints the losses of training-curve.js on wasm with two threads in Node: what train-browser.mjs compares a page's with.
import { setupBackend } from "@acr/backend";
import { trainingCurve } from "./training-curve.js";

await setupBackend({ prefer: ["wasm"], threads: 2 });
console.log(JSON.stringify(trainingCurve()));
