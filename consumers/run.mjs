#!/usr/bin/env node
/**
 * Packs the packages, installs them in copies of the projects beside their own tfjs, and runs those. See README.md.
 *
 *   node consumers/run.mjs [project…]
 */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const here = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("..", import.meta.url));
const readJson = (file) => JSON.parse(readFileSync(file, "utf8"));

const PACKAGES = ["core", "loss"];
const PEERS = ["core", "layers", "backend-cpu"];
const EXTRA = {
  "ts-bundler": ["typescript", "esbuild"],
  browser: ["esbuild"],
};
const EXTRA_PEERS = { browser: ["backend-webgl", "backend-wasm"] };
const toolVersion = (name) => readJson(join(root, "node_modules", name, "package.json")).version;

/** Lowest and newest tfjs of the peer range; once where they are the same. */
async function supportedVersions() {
  const range = readJson(join(root, "packages/loss/package.json")).peerDependencies["@tensorflow/tfjs-core"];
  const lowest = /(\d+\.\d+\.\d+)/.exec(range)[1];
  const { stdout } = await run("npm", ["view", `@tensorflow/tfjs-core@${range}`, "version", "--json"], { cwd: root });
  const newest = [JSON.parse(stdout)].flat().at(-1);
  return [...new Set([lowest, newest])];
}

async function pack(folder) {
  const tarballs = [];
  for (const name of PACKAGES) {
    const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder], {
      cwd: join(root, "packages", name),
    });
    tarballs.push(join(folder, JSON.parse(stdout)[0].filename));
  }
  return tarballs;
}

const wanted = process.argv.slice(2);
const projects = readdirSync(here, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && (wanted.length === 0 || wanted.includes(entry.name)))
  .map((entry) => entry.name);
if (projects.length === 0) throw new Error(`no such project: ${wanted.join(", ")}`);

const work = mkdtempSync(join(tmpdir(), "consumers-"));
try {
  const tarballs = await pack(work);
  for (const version of await supportedVersions()) {
    for (const project of projects) {
      const started = Date.now();
      const folder = join(work, `${project}-${version}`);
      cpSync(join(here, project), folder, { recursive: true });
      const dependencies = [
        ...tarballs,
        ...[...PEERS, ...(EXTRA_PEERS[project] ?? [])].map((name) => `@tensorflow/tfjs-${name}@${version}`),
        ...(EXTRA[project] ?? []).map((name) => `${name}@${toolVersion(name)}`),
      ];
      try {
        await run("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--prefer-offline", ...dependencies], {
          cwd: folder,
        });
        const { stdout } = await run("npm", ["test", "--silent"], { cwd: folder, timeout: 120_000 });
        console.log(
          `passed  ${project}, tfjs ${version}, ${((Date.now() - started) / 1000).toFixed(0)} s: ${stdout.trim().split("\n").at(-1)}`,
        );
      } catch (error) {
        process.exitCode = 1;
        console.log(
          `FAILED  ${project}, tfjs ${version}: ${error.message}\n${error.stdout ?? ""}${error.stderr ?? ""}`,
        );
      }
      rmSync(folder, { recursive: true, force: true });
    }
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
