import { fileURLToPath } from "node:url";

const fromHere = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The one jest configuration of all packages: Node, TypeScript by swc, siblings read from their sources. */
export const jestProject = (name, rootDir) => ({
  displayName: name,
  rootDir,
  testMatch: ["<rootDir>/src/**/*.test.ts"],
  testEnvironment: fromHere("./environment.cjs"),
  transform: {
    "^.+\\.(ts|mjs|js)$": [
      "@swc/jest",
      { jsc: { target: "es2022", parser: { syntax: "typescript" } }, module: { type: "commonjs" } },
    ],
  },
  // h5wasm is published as ESM only, which jest's require cannot read.
  transformIgnorePatterns: ["/node_modules/(?!h5wasm/)", "/packages/[^/]+/dist/"],
  moduleNameMapper: {
    "^h5wasm$": fromHere("../../node_modules/h5wasm/dist/esm/hdf5_hl.js"),
    "^@acr/testing$": fromHere("../testing/src/index.ts"),
    "^@acr/([a-z-]+)$": `${fromHere("../../packages")}/$1/src/index.ts`,
    "^@acr/([a-z-]+)/(node|browser|wasm|tensorflow|webgpu)$": `${fromHere("../../packages")}/$1/src/$2.ts`,
    "^(\\.{1,2}/.*)\\.js$": "$1",
  },
});
