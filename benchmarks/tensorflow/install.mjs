#!/usr/bin/env node
/**
 * Installs TensorFlow for real, as a user would: packs @acr/core, @acr/kernels and @acr/backend, installs them with their
 * peers into an empty folder with an empty home, and there for each Node runs install, a training step, faults that need
 * the real programs, and remove. Writes install.json beside this file. Needs pip, npm, a C++ compiler and the network
 * (230 MB), or a folder with the wheel; a full disk is tried on a small tmpfs where this may be mounted.
 *
 *   npm run build && node benchmarks/tensorflow/install.mjs [--from FOLDER] [--node PATH]…
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { writeJson } from "../engine/rounds.mjs";

const { values } = parseArgs({
  options: { from: { type: "string" }, node: { type: "string", multiple: true, default: [process.execPath] } },
});
const from = values.from && resolve(values.from);
const repository = fileURLToPath(new URL("../..", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "acr-install-"));
const project = join(root, "project");
const home = join(root, "home");
const quiet = { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 1e8 };

mkdirSync(project);
mkdirSync(home);
writeFileSync(join(project, "package.json"), '{ "private": true, "type": "module" }');
const packed = ["core", "kernels", "backend"].map((name) => {
  const args = ["pack", "--silent", "--pack-destination", root, "-w", `packages/${name}`];
  return join(
    root,
    execFileSync("npm", args, { ...quiet, cwd: repository })
      .trim()
      .split("\n")
      .at(-1),
  );
});
const peers = ["core", "layers", "backend-wasm", "backend-cpu"].map((name) => `@tensorflow/tfjs-${name}@4.22.0`);
execFileSync("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", ...packed, ...peers], {
  ...quiet,
  cwd: project,
});
writeFileSync(
  join(project, "install.js"),
  `import { installTensorFlow } from "@acr/backend";
import { writeFileSync } from "node:fs";
const { fill, ...options } = JSON.parse(process.argv[2]);
if (fill) options.onProgress = (step) => {
  if (!step.startsWith("taking")) return;
  try { for (let i = 0; ; i++) writeFileSync(fill + i, Buffer.alloc(2 ** 24)); } catch {}
};
try { console.log(JSON.stringify(await installTensorFlow(options))); }
catch (error) { console.log(JSON.stringify({ error: error.name + ": " + error.message })); }`,
);
writeFileSync(
  join(project, "train.js"),
  `import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { setupBackend } from "@acr/backend";
const { description } = await setupBackend({ prefer: ["tensorflow"], threads: 2 });
const model = tfl.sequential();
model.add(tfl.layers.conv2d({ inputShape: [16, 16, 3], filters: 8, kernelSize: 3, strides: 2, useBias: false }));
model.add(tfl.layers.batchNormalization());
model.add(tfl.layers.reLU({ maxValue: 6 }));
model.add(tfl.layers.globalAveragePooling2d({}));
model.add(tfl.layers.dense({ units: 2 }));
model.compile({ optimizer: tf.train.adam(0.05), loss: "meanSquaredError" });
const x = tf.randomUniform([32, 16, 16, 3], 0, 1, "float32", 1);
const { history } = await model.fit(x, tf.ones([32, 2]), { epochs: 30, verbose: 0 });
console.log(JSON.stringify({ description, first: history.loss[0], last: history.loss.at(-1) }));`,
);
writeFileSync(
  join(project, "remove.js"),
  `import { removeTensorFlow } from "@acr/backend";\nconsole.log(JSON.stringify(await removeTensorFlow()));`,
);

/** Settings of pip and npm, such as a mirror. */
const settings = {
  npm_config_globalconfig: execFileSync("npm", ["config", "get", "globalconfig"], quiet).trim(),
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(pip|npm_config)_/i.test(name))),
};

/** Runs a script of the project with little more in its environment than a new machine has. */
function run(node, script, options, env = {}) {
  const path = `${dirname(resolve(node))}:${process.env.PATH}`;
  const result = spawnSync(node, [script, JSON.stringify(options ?? {})], {
    ...quiet,
    cwd: project,
    env: { PIP_CACHE_DIR: join(root, "pip"), ...settings, PATH: path, HOME: home, LANG: "C.UTF-8", ...env },
  });
  const line = result.stdout.trim().split("\n").at(-1);
  if (result.status !== 0 || !line) throw new Error(`${script} on ${node}: ${result.stderr}`);
  return JSON.parse(line);
}
const parent = join(home, ".local", "share", "acr");
const nothingLeft = () => !existsSync(parent) || readdirSync(parent).length === 0;
const shorten = (text) => text?.replaceAll(root, "…").replaceAll(from ?? "\0", "FOLDER");

const rows = values.node.map((node) => {
  const version = execFileSync(node, ["--version"], quiet).trim();
  const started = performance.now();
  const installed = run(node, "install.js", { from });
  const seconds = Math.round((performance.now() - started) / 1000);
  if (installed.error) throw new Error(installed.error);
  const { description, first, last } = run(node, "train.js");
  const folder = `${execFileSync("du", ["-sm", parent], quiet).split("\t")[0]} MB`;
  const removed = run(node, "remove.js").removed && nothingLeft();
  console.error(version, description, seconds, "s", removed ? "removed" : "NOT REMOVED");
  if (!(last < first / 2)) throw new Error(`the loss went from ${first} to ${last}`);
  return {
    node: version,
    description,
    tensorflow: installed.tensorflow,
    seconds,
    folder,
    loss: [first, last],
    removed,
  };
});

const faults = {};
const fault = (name, options, env) => {
  const { error } = run(values.node[0], "install.js", options, env);
  faults[name] = { error: shorten(error), nothingLeft: nothingLeft() };
  console.error(name, "→", error);
};
fault(
  "pip without network",
  {},
  { PIP_INDEX_URL: "http://127.0.0.1:9/", PIP_EXTRA_INDEX_URL: "", PIP_RETRIES: "0", PIP_CONFIG_FILE: "/dev/null" },
);
fault("no pip", { python: "no-such-python" });
fault("no compiler", { from }, { CXX: "no-such-compiler" });
const small = join(root, "small disk");
mkdirSync(small);
if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=1700m", "tmpfs", small]).status === 0) {
  try {
    // Room enough by the estimate; filled by somebody else before the wheel is unpacked.
    const { error } = run(values.node[0], "install.js", { from, dir: join(small, "t"), fill: join(small, "filler") });
    const left = readdirSync(small).filter((name) => !name.startsWith("filler"));
    faults["disk full while unpacking"] = { error: shorten(error), nothingLeft: left.length === 0 };
    console.error("disk full →", error);
  } finally {
    spawnSync("umount", ["-l", small]);
  }
}

const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { ...quiet, cwd: repository }).trim();
const compiler = execFileSync("c++", ["--version"], quiet).split("\n")[0];
const python = execFileSync("python3", ["-m", "pip", "--version"], quiet).split(" from ")[0];
const machine = `${cpus().length} × ${cpus()[0].model}, ${process.platform} ${release()} ${process.arch}`;
const wheelFrom = from ? "a folder with the downloads" : "pip";
const report = { machine, compiler, python, commit, wheelFrom, rows, faults };
writeJson(fileURLToPath(new URL("install.json", import.meta.url)), report);
const good =
  rows.every(({ removed }) => removed) && Object.values(faults).every(({ error, nothingLeft }) => error && nothingLeft);
console.log(JSON.stringify(report, null, 2));
rmSync(root, { recursive: true, force: true });
process.exitCode = good ? 0 : 1;
