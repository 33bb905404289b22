import { fileURLToPath } from "node:url";

const fromHere = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The one jest configuration of all packages: Node, TypeScript by swc, siblings read from their sources. */
export const jestProject = (name, rootDir) => ({
  displayName: name,
  rootDir,
  testMatch: ["<rootDir>/src/**/*.test.ts"],
  testEnvironment: fromHere("./environment.cjs"),
  // Global names are looked up through the sandbox, slowly: without this, numeric loops run ten times longer than in Node.
  sandboxInjectedGlobals: ["Math", "Number", "Float32Array", "Float64Array", "Uint8Array", "Int32Array", "Uint32Array"],
  transform: {
    "^.+\\.(ts|mjs|js)$": [
      "@swc/jest",
      { jsc: { target: "es2022", parser: { syntax: "typescript" } }, module: { type: "commonjs" } },
    ],
  },
  // These are published as ESM only, which jest's require cannot read: h5wasm, and Vega with what it imports.
  transformIgnorePatterns: [
    "/node_modules/(?!(h5wasm|vega(-[a-z-]+)?|d3-[a-z-]+|internmap|delaunator|robust-predicates|json-stringify-pretty-compact)/)",
    "/packages/[^/]+/dist/",
  ],
  moduleNameMapper: {
    "^h5wasm/node$": fromHere("../../node_modules/h5wasm/dist/node/hdf5_hl.js"),
    "^h5wasm$": fromHere("../../node_modules/h5wasm/dist/esm/hdf5_hl.js"),
    // Vega's canvas for Node is behind a top-level await, which CommonJS has not; the other build needs none.
    "^vega-canvas$": fromHere("../../node_modules/vega-canvas/build/vega-canvas.browser.js"),
    "^@acr/testing$": fromHere("../testing/src/index.ts"),
    "^@acr/([a-z-]+)$": `${fromHere("../../packages")}/$1/src/index.ts`,
    "^@acr/([a-z-]+)/(node|browser|wasm|tensorflow|webgpu|presets)$": `${fromHere("../../packages")}/$1/src/$2.ts`,
    "^(\\.{1,2}/.*)\\.js$": "$1",
  },
});
