// Loads Keras' files of every kind in headless Chromium and compares the features with Keras' own; saves there and loads again. Exits 1
// where they differ by more than 1e-4. GOLDEN holds a folder a backbone: inputs.f32, features.f32 and the files.
//   npm run build && node benchmarks/backbones/browser.mjs GOLDEN > benchmarks/backbones/browser.json
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { findChromium, runPage } from "../../consumers/browser/run-page.js";

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
const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL("browser-page.js", import.meta.url))],
  bundle: true,
  splitting: true,
  write: false,
  outdir: "/",
  entryNames: "bundle",
  format: "esm",
  platform: "browser",
  // Without the paths of this repository, which lead to the sources.
  tsconfigRaw: {},
  logLevel: "error",
});
const root = fileURLToPath(new URL("../..", import.meta.url));
const result = await runPage(
  browser,
  (path) => {
    if (path === "/plan.json") return JSON.stringify(plan);
    if (path.startsWith("/keras/")) return readFileSync(join(golden, ...path.split("/").slice(2)));
    if (path.startsWith("/wasm/"))
      return readFileSync(join(root, "node_modules/@tensorflow/tfjs-backend-wasm/dist", basename(path)));
    return outputFiles.find((output) => output.path === path)?.contents;
  },
  { timeoutMs: 120_000 },
);
console.log(JSON.stringify(result, null, 1));
const isFine = (row) => row.left === 0 && row.error < 1e-4 && (row.savedError ?? 0) < 1e-6;
if (result.error || result.rows.length === 0 || !result.rows.every(isFine)) process.exit(1);
