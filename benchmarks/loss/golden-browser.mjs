#!/usr/bin/env node
/**
 * Values and gradients of all losses against the golden values (PyTorch, float64) in headless Chromium, on software
 * rendering: `webgl` by ANGLE on SwiftShader, `webgpu` on SwiftShader's adapter, and `cpu` and `wasm`. Exits 1 where a number is
 * more than 1e-4 off (relative; below a thousandth of the largest number, relative to that), a tensor leaks, or a
 * backend is missing. Skipped with a message where there are no golden values (`ACR_GOLDEN`) or no Chromium.
 *
 *   npm run build && node benchmarks/loss/golden-browser.mjs [--backends webgl,webgpu] [--json]
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { findChromium, runPage } from "../../consumers/browser/run-page.js";

const TOLERANCE = 1e-4;
const BACKENDS = ["cpu", "wasm", "webgl", "webgpu"];
const root = fileURLToPath(new URL("../..", import.meta.url));
const { values: options } = parseArgs({
  options: { backends: { type: "string", default: BACKENDS.join(",") }, json: { type: "boolean", default: false } },
});
const backends = options.backends.split(",");
const unknown = backends.filter((name) => !BACKENDS.includes(name));
if (unknown.length > 0) {
  console.error(`golden-browser: unknown backend ${unknown.join(", ")}; valid: ${BACKENDS.join(", ")}.`);
  process.exit(1);
}

const skip = (why) => {
  console.log(`skipped: ${why}`);
  process.exit(0);
};
const folder = join(process.env.ACR_GOLDEN ?? join(root, "../shared/golden"), "loss");
if (!existsSync(folder)) skip("no golden values; ACR_GOLDEN names their folder");
const browser = findChromium();
if (!browser) skip("no Chromium; CHROMIUM names its command");
const files = readdirSync(folder).filter((file) => file.endsWith(".json"));

const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL("golden-page.js", import.meta.url))],
  bundle: true,
  write: false,
  format: "esm",
  logLevel: "warning",
  nodePaths: [join(root, "node_modules")],
});
const read = (path) => {
  if (path === "/bundle.js") return outputFiles[0].contents;
  if (path === "/golden.json") return JSON.stringify({ backends, files });
  if (path.startsWith("/golden/")) return readFileSync(join(folder, basename(path)));
  if (path.startsWith("/wasm/"))
    return readFileSync(join(root, "node_modules/@tensorflow/tfjs-backend-wasm/dist", basename(path)));
};
const flags = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];
const { error, tfjs, results } = await runPage(browser, read, { flags, timeoutMs: 300_000 });
if (error) throw new Error(error);

const faults = [];
for (const [backend, { skipped, leakedTensors, deviations }] of Object.entries(results)) {
  if (skipped) faults.push(`${backend}: ${skipped}`);
  if (leakedTensors) faults.push(`${backend}: ${leakedTensors} tensors leaked`);
  for (const [loss, byPart] of Object.entries(deviations ?? {}))
    for (const [part, deviation] of Object.entries(byPart))
      if (!(deviation <= TOLERANCE)) faults.push(`${backend}: ${part} of ${loss} is off by ${deviation}`);
}
if (options.json) {
  console.log(JSON.stringify({ tolerance: TOLERANCE, files: files.length, tfjs, results }, null, 2));
} else {
  const largest = (parts) => Math.max(...Object.values(parts)).toExponential(1);
  console.table(
    Object.fromEntries(
      Object.entries(results).map(([backend, { compared, deviations = {} }]) => [
        backend,
        { compared, ...Object.fromEntries(Object.entries(deviations).map(([name, parts]) => [name, largest(parts)])) },
      ]),
    ),
  );
}
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
