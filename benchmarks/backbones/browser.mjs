// Loads Keras' files of every kind in headless Chromium and compares the features with Keras' own; saves there and loads again. Exits 1
// where they differ by more than 1e-4. GOLDEN holds a folder a backbone: inputs.f32, features.f32 and the files.
//   npm run build && node benchmarks/backbones/browser.mjs GOLDEN > benchmarks/backbones/browser.json
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { findChromium, runPage } from "../../consumers/browser/run-page.js";
import { browserFiles } from "../browser-files.mjs";

const [golden] = process.argv.slice(2);
const browser = findChromium();
if (!browser || !golden) {
  console.error(golden ? "no Chromium; CHROMIUM names its command" : "usage: browser.mjs GOLDEN");
  process.exit(2);
}
const plan = [
  ["mobilenet_v2_035", 96],
  ["efficientnet_b0", 64],
].map(([backbone, side]) => ({
  backbone,
  side,
  files: readdirSync(join(golden, backbone)).filter((name) => /\.(h5|keras)$/.test(name)),
}));
const bundled = await browserFiles(new URL("browser-page.js", import.meta.url));
const result = await runPage(
  browser,
  (path) => {
    if (path === "/plan.json") return JSON.stringify(plan);
    if (path.startsWith("/keras/")) return readFileSync(join(golden, ...path.split("/").slice(2)));
    return bundled(path);
  },
  { timeoutMs: 120_000 },
);
console.log(JSON.stringify(result, null, 1));
const isFine = (row) => row.left === 0 && row.error < 1e-4 && (row.savedError ?? 0) < 1e-6;
if (result.error || result.rows.length === 0 || !result.rows.every(isFine)) process.exit(1);
