import { readFileSync } from "node:fs";
import { defineConfig } from "tsup";

/**
 * One build for every package: each subpath of `exports` that points into dist/ is an entry
 * (`./dist/index.js` is built from `src/index.ts`), as ESM and CommonJS with types for both.
 */
const manifest = JSON.parse(readFileSync("package.json", "utf8"));
const entries = Object.values(manifest.exports)
  .map((target) => target.import?.default)
  .filter((path) => path?.startsWith("./dist/"))
  .map((path) => path.replace("./dist/", "src/").replace(/\.js$/, ".ts"));

export default defineConfig({
  entry: entries,
  format: ["esm", "cjs"],
  target: "node20",
  platform: "neutral",
  dts: true,
  shims: false,
  clean: true,
  sourcemap: true,
  // With splitting, tsup turns `import()` into `require()` in CommonJS, which cannot load ESM-only dependencies, and leaves
  // `import.meta`, which CommonJS has not. The entries of datasets share no state, so they need no common chunks.
  splitting: entries.length > 1 && manifest.name !== "@acr/datasets",
  treeshake: false,
});
