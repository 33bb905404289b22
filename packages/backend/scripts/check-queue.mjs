#!/usr/bin/env node
/**
 * Checks the C++ of TensorFlow's queue (../native) on Linux with GCC, and exits 1 where a check fails:
 *
 * 1. queue/stress.cc drives it with a stand-in for TensorFlow, plain, with AddressSanitizer and UndefinedBehaviorSanitizer, with
 *    ThreadSanitizer, and where no thread starts.
 * 2. queue/scenarios.mjs, each scenario in a process of its own, on the installed TensorFlow (ACR_TENSORFLOW_DIR, else the default).
 * 3. With --from (as in `acr backend install tensorflow --from`): the same on a binding that is compiled with AddressSanitizer.
 *
 *   npm run build && node packages/backend/scripts/check-queue.mjs [--from FOLDER]
 */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { installTensorFlow, removeTensorFlow } from "@acr/backend";

const { values } = parseArgs({ options: { from: { type: "string" } } });
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const compiler = process.env.CXX ?? "c++";
const folder = mkdtempSync(join(tmpdir(), "acr-queue-"));
const SCENARIO_MS = 300_000;
let failures = 0;

/** Runs a program that ends with 0 where all is well. */
function check(title, command, args, env = {}) {
  const { status, signal, stdout, stderr } = spawnSync(command, args, {
    encoding: "utf8",
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: "2", ...env },
    timeout: SCENARIO_MS,
    maxBuffer: 2 ** 28,
  });
  console.log(`${status === 0 ? "passed" : "FAILED"}: ${title} ${stdout.trim()}`.trimEnd());
  if (status === 0) return;
  failures++;
  console.log(signal ?? status, stderr.split("\n").slice(0, 60).join("\n"));
}

/** The stand-in under the names of the headers that it stands in for. */
function standIn() {
  const include = join(folder, "include");
  for (const name of ["tensorflow/c/eager/c_api.h", "tf_auto_status.h", "napi_auto_ref.h", "node_api.h"]) {
    mkdirSync(dirname(join(include, name)), { recursive: true });
    writeFileSync(join(include, name), '#include "stand-in.h"\n');
  }
  return include;
}

function stress() {
  const include = standIn();
  const sources = ["-I", include, "-I", here("queue"), "-I", here("../native"), here("queue/stress.cc")];
  const build = (name, ...flags) => {
    const program = join(folder, name);
    execFileSync(
      compiler,
      ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-pthread", ...flags, ...sources, "-o", program],
      { stdio: "inherit" },
    );
    return program;
  };
  const plain = build("plain", "-O2");
  check("stand-in:", plain, []);
  check("stand-in without threads:", plain, ["--no-threads"]);
  check(
    "stand-in, addresses and undefined behaviour:",
    build("address", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
    [],
  );
  check("stand-in, threads:", build("thread", "-O1", "-g", "-fsanitize=thread"), []);
}

function scenarios(kind, env = {}) {
  const file = here("queue/scenarios.mjs");
  const names = execFileSync(process.execPath, [file, "--list"], { encoding: "utf8" }).trim().split("\n");
  for (const name of names) check(`${kind}: ${name}.`, process.execPath, [file, name], env);
}

/** Installs with a compiler that adds AddressSanitizer, which must be in the process before Node. */
async function scenariosWithAddresses(from) {
  const wrapper = join(folder, "c++");
  writeFileSync(wrapper, `#!/bin/sh\nexec env -u LD_PRELOAD ${compiler} -fsanitize=address -g "$@"\n`);
  chmodSync(wrapper, 0o755);
  const library = execFileSync(compiler, ["-print-file-name=libasan.so"], { encoding: "utf8" }).trim();
  // Node leaves much to the end of the process.
  const env = { LD_PRELOAD: library, ASAN_OPTIONS: "detect_leaks=0" };
  const dir = join(folder, "tensorflow");
  Object.assign(process.env, env, { CXX: wrapper });
  await installTensorFlow({ from: resolve(from), dir });
  for (const name of [...Object.keys(env), "CXX"]) delete process.env[name];
  scenarios("addresses", { ...env, ACR_TENSORFLOW_DIR: dir });
  await removeTensorFlow({ dir });
}

try {
  stress();
  scenarios("TensorFlow");
  if (values.from) await scenariosWithAddresses(values.from);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failures > 0 ? 1 : 0;
