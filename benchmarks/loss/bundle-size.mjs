#!/usr/bin/env node
/**
 * Bundles some imports of @acr/loss as an application would (esbuild, minified, tfjs left out) and prints their gzipped
 * sizes. Exits 1 where one exceeds its budget or holds what it did not import: the proof that the package tree-shakes.
 *
 *   node benchmarks/loss/bundle-size.mjs [--json]
 */
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const ONE = 5 * 1024;
const ALL = 12 * 1024;
/** What no bundle of one loss may hold: messages of the others and of the registry. */
const FOREIGN = { acrLoss: "wingLoss", wingLoss: "acrLoss", l2Loss: "wingLoss" };
const CASES = [
  ["acrLoss", 'export { acrLoss } from "@acr/loss"', ONE],
  ["wingLoss", 'export { wingLoss } from "@acr/loss"', ONE],
  ["l2Loss", 'export { l2Loss } from "@acr/loss"', ONE],
  ["all", 'export * from "@acr/loss"; export * from "@acr/loss/layers"', ALL],
];

const rows = [];
for (const [name, contents, budgetBytes] of CASES) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL("../../packages/loss", import.meta.url)) },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    external: ["@tensorflow/*"],
  });
  const text = outputFiles[0].text;
  const gzipBytes = gzipSync(text, { level: 9 }).length;
  const foreign = FOREIGN[name];
  const shakes = !foreign || (!text.includes(foreign) && !text.includes("createLoss") && !text.includes("ibug68"));
  rows.push({ name, gzipBytes, budgetBytes, shakes });
  if (gzipBytes > budgetBytes || !shakes) process.exitCode = 1;
}
if (process.argv.includes("--json")) console.log(JSON.stringify(rows, null, 2));
else
  for (const { name, gzipBytes, budgetBytes, shakes } of rows)
    console.log(`${name}: ${gzipBytes} of ${budgetBytes} bytes${shakes ? "" : ", and holds what it did not import"}`);
