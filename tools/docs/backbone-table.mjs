#!/usr/bin/env node
/**
 * Writes the table of backbones in packages/backbones/README.md from the registry's source, so that it never lags behind.
 *
 *   node tools/docs/backbone-table.mjs           writes
 *   node tools/docs/backbone-table.mjs --check   exits 1 if the README differs
 *
 * The registry is bundled from source with empty stand-ins for tfjs: nothing needs to be built, and no network is.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const README = `${ROOT}/packages/backbones/README.md`;
const [START, END] = ["<!-- backbones: written by tools/docs/backbone-table.mjs -->", "<!-- /backbones -->"];

const stubs = {
  name: "stubs",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^@tensorflow\// }, ({ path }) => ({ path, namespace: "stub" }));
    onResolve({ filter: /^@acr\/core$/ }, () => ({ path: `${ROOT}/packages/core/src/index.ts` }));
    onLoad({ filter: /.*/, namespace: "stub" }, () => ({
      contents: "module.exports = { layers: { Layer: class {} } };",
    }));
  },
};
const { outputFiles } = await build({
  stdin: {
    contents: 'export { registrations } from "./packages/backbones/src/internal/registry.ts";',
    resolveDir: ROOT,
    loader: "ts",
  },
  bundle: true,
  write: false,
  format: "esm",
  platform: "neutral",
  plugins: [stubs],
  logLevel: "error",
});
const { registrations } = await import(
  `data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString("base64")}`
);

const rows = [
  ["Name", "Parameters", "Features", "Designed for, pixels", "Paper"],
  ["---", "---:", "---:", "---:", "---"],
  ...registrations().map(({ preset }) => [
    `\`${preset.name}\``,
    preset.parameterCount.toLocaleString("en"),
    String(preset.featureCount),
    String(preset.inputSize),
    preset.paper,
  ]),
];
const table = rows.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
const readme = readFileSync(README, "utf8");
const [start, end] = [readme.indexOf(START), readme.indexOf(END)];
if (start < 0 || end < start) {
  console.error(
    `packages/backbones/README.md: the marks of the table of backbones are absent; expected ${START} … ${END}.`,
  );
  process.exit(1);
}
const wanted = `${readme.slice(0, start)}${START}\n\n${table}\n\n${readme.slice(end)}`;
if (process.argv.includes("--check")) {
  if (wanted !== readme) {
    console.error(
      "packages/backbones/README.md: the table of backbones lags behind; run node tools/docs/backbone-table.mjs.",
    );
    process.exit(1);
  }
} else writeFileSync(README, wanted);
