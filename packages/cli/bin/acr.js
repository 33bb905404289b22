#!/usr/bin/env node
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const entry = new URL("../dist/index.js", import.meta.url);
if (!existsSync(fileURLToPath(entry))) {
  console.error("acr: not built yet. Run npm run build in the root of the checkout first.");
  process.exit(1);
}
// A reader such as head or less may have had enough.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", (error) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(1);
  });
const { main } = await import(entry.href);
process.exitCode = await main(process.argv.slice(2));
// Dawn, which is WebGPU in Node, keeps a process running for ever. Everything is written first.
if (globalThis.navigator?.gpu) process.stdout.write("", () => process.stderr.write("", () => process.exit()));
