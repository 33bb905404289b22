#!/usr/bin/env node
/**
 * Bundles `import "@acr/kernels"` for a browser as an application would (esbuild, minified, split, tfjs left out) and
 * prints the gzipped sizes of what loads at once and of each chunk that loads when it is wanted. Exits 1 where the first
 * part exceeds its budget, holds a WebAssembly module, or a variant is missing among the lazy chunks.
 *
 *   npm run build && node benchmarks/engine/bundle-size.mjs [--json]
 */
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const BUDGET_BYTES = 60 * 1024;
const VARIANTS = 7;
/** How a WebAssembly module (its magic number and version) begins in base64. */
const MODULE = "AGFzbQEAAAA";

const { outputFiles, metafile } = await build({
  stdin: {
    contents: 'export * from "@acr/kernels"',
    resolveDir: fileURLToPath(new URL(".", import.meta.url)),
  },
  // Without the paths of this repository, which lead to the sources: what is measured is what was built.
  tsconfigRaw: {},
  bundle: true,
  minify: true,
  splitting: true,
  write: false,
  metafile: true,
  outdir: "out",
  format: "esm",
  platform: "browser",
  external: ["@tensorflow/*"],
});

/** What loads with a file: itself and its static imports. */
const eager = new Set();
const follow = (path) => {
  if (eager.has(path)) return;
  eager.add(path);
  for (const { path: next, kind, external } of metafile.outputs[path].imports)
    if (kind === "import-statement" && !external) follow(next);
};
follow(Object.keys(metafile.outputs).find((path) => metafile.outputs[path].entryPoint === "<stdin>"));

const files = outputFiles.map(({ path, text }) => ({
  isEager: [...eager].some((name) => path.endsWith(name)),
  holdsModule: text.includes(MODULE),
  gzipBytes: gzipSync(text, { level: 9 }).length,
}));
const sum = (list) => list.reduce((total, { gzipBytes }) => total + gzipBytes, 0);
const first = files.filter(({ isEager }) => isEager);
const variants = files.filter(({ isEager, holdsModule }) => !isEager && holdsModule);
const result = {
  eagerGzipBytes: sum(first),
  budgetBytes: BUDGET_BYTES,
  isLazy: !first.some(({ holdsModule }) => holdsModule) && variants.length === VARIANTS,
  variantGzipBytes: variants.map(({ gzipBytes }) => gzipBytes).sort((a, b) => a - b),
};
if (process.argv.includes("--json")) console.log(JSON.stringify(result, null, 2));
else
  console.log(
    `@acr/kernels: ${result.eagerGzipBytes} of ${BUDGET_BYTES} bytes at once; lazily one of ${result.variantGzipBytes.join(", ")}`,
  );
if (result.eagerGzipBytes > BUDGET_BYTES || !result.isLazy) {
  console.error("the first part is too large, or a WebAssembly module is not loaded lazily");
  process.exitCode = 1;
}
