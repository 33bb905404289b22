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

/** Source files that are data, such as models in base64: a source map would repeat all of it and help nobody. */
const DATA = /\/internal\/presets\/[^/]+\.ts$/;
const withoutDataInMaps = {
  name: "without-data-in-maps",
  renderChunk(_code, chunk) {
    const map = typeof chunk.map === "string" ? JSON.parse(chunk.map) : chunk.map;
    if (!map?.sources.some((source) => DATA.test(source))) return;
    map.sourcesContent = map.sourcesContent.map((text, i) => (DATA.test(map.sources[i]) ? null : text));
    chunk.map = map;
  },
};

/**
 * Splitting leaves bare imports of chunks, for their side effects. Packages that declare to have none make bundlers warn
 * of each of them; a blank line keeps the source map right.
 */
const withoutBareImports = {
  name: "without-bare-imports",
  renderChunk(code) {
    if (this.format !== "esm" || manifest.sideEffects !== false) return;
    return { code: code.replace(/^import "\.\/chunk-\w+\.js";$/gm, "") };
  },
};

export default defineConfig({
  plugins: [withoutDataInMaps, withoutBareImports],
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
  // Kernels: each variant of the WebAssembly module is a chunk of its own, loaded only where it fits.
  splitting: (entries.length > 1 && manifest.name !== "@acr/datasets") || manifest.name === "@acr/kernels",
  treeshake: false,
});
