// Trains in headless Chromium; skipped where there is none.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { findChromium, runPage } from "./run-page.js";

const browser = findChromium();
if (!browser) {
  console.log("skipped: no Chromium");
  process.exit(0);
}
const result = await runPage(browser, (path) => {
  if (path === "/bundle.js") return readFileSync("bundle.js");
  if (path.startsWith("/wasm/"))
    return readFileSync(`node_modules/@tensorflow/tfjs-backend-wasm/dist/${basename(path)}`);
});

console.log(JSON.stringify(result));
if (result.error) throw new Error(result.error);
for (const [backend, { loop, skipped }] of Object.entries(result)) {
  if (skipped && backend === "webgl") continue;
  if (!(loop?.[1] < loop?.[0] / 5)) throw new Error(`${backend}: the loss went from ${loop?.[0]} to ${loop?.[1]}`);
}
