import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const WASM = new URL("../node_modules/@tensorflow/tfjs-backend-wasm/dist/", import.meta.url);

/** Bundles the page's script; what `runPage` serves of it, and tfjs' binaries under /wasm/. */
export async function browserFiles(entry) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(entry)],
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
  return (path) =>
    path.startsWith("/wasm/")
      ? readFileSync(new URL(basename(path), WASM))
      : outputFiles.find((output) => output.path === path)?.contents;
}
