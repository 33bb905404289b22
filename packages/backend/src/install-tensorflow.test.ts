import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BackendError, InvalidArgumentError } from "@acr/core";
import { zipSync } from "fflate";
import { type InstallTensorFlowOptions, installTensorFlow } from "./install-tensorflow.js";
import { install } from "./internal/install.js";
import { tensorFlowPlatform } from "./internal/tensorflow-platform.js";
import { TENSORFLOW_RELEASE, type TensorFlowRelease } from "./internal/tensorflow-release.js";
import { removeTensorFlow } from "./remove-tensorflow.js";

const root = mkdtempSync(join(tmpdir(), "acr tensorflow "));
const downloads = join(root, "downloads");
const programs = join(root, "programs");
const native = join(root, "native");
const { PATH, CXX } = process.env;
const require = createRequire(join(process.cwd(), "package.json"));
const WHEEL = "tensorflow_cpu-2.18.1-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl";
const hash = (algorithm: string, encoding: "hex" | "base64", bytes: Uint8Array) =>
  createHash(algorithm).update(bytes).digest(encoding);

/** An npm tarball in `downloads`, with its integrity. */
function makeTarball(file: string, contents: Record<string, string>): { file: string; integrity: string } {
  const folder = join(root, `${file}.d`);
  for (const [path, text] of Object.entries(contents)) {
    mkdirSync(join(folder, "package", path, ".."), { recursive: true });
    writeFileSync(join(folder, "package", path), text);
  }
  execFileSync("tar", ["-czf", join(downloads, file), "-C", folder, "package"]);
  return { file, integrity: `sha512-${hash("sha512", "base64", readFileSync(join(downloads, file)))}` };
}

/** A program on a PATH of its own. */
function makeProgram(name: string, script: string): void {
  writeFileSync(join(programs, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(programs, name), 0o755);
}

const libraryFile = (name: string) => join(root, `lib${name}.so.2`);
/** A small shared library; what it needs is looked for where arm64's wheel has it. */
const shared = (name: string, needed?: string) => {
  const file = libraryFile(name);
  const links = needed ? ["-x", "none", libraryFile(needed), "-Wl,-rpath,$ORIGIN/../tensorflow.libs"] : [];
  const args = ["-shared", "-fPIC", "-o", file, `-Wl,-soname,lib${name}.so.2`, "-x", "c++", "-", ...links];
  const value = needed ? `${needed}()` : "0";
  const declared = needed ? `extern "C" int ${needed}();` : "";
  execFileSync("c++", args, { input: `${declared} extern "C" int ${name}() { return ${value}; }\n` });
  return readFileSync(file);
};

/** Enough of a binding to be loaded by Node and to say its version, which the release's edits put in. */
const BINDING = `// include
extern "C" {
typedef struct napi_env__* napi_env; typedef struct napi_value__* napi_value; typedef struct napi_callback_info__* napi_callback_info;
int napi_create_string_utf8(napi_env, const char*, unsigned long, napi_value*);
int napi_set_named_property(napi_env, napi_value, const char*, napi_value);
int napi_create_function(napi_env, const char*, unsigned long, napi_value (*)(napi_env, napi_callback_info), void*, napi_value*);
int napi_get_boolean(napi_env, bool, napi_value*);
int tensorflow_cc();
int tensorflow_framework();
static napi_value gpu(napi_env env, napi_callback_info) { napi_value no; napi_get_boolean(env, false, &no); return no; }
napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  if (tensorflow_cc() + tensorflow_framework()) return nullptr;
  napi_value value;
  napi_create_string_utf8(env, "0.0.0", 5, &value);
  napi_set_named_property(env, exports, "TF_Version", value);
  napi_create_function(env, "gpu", 3, gpu, nullptr, &value);
  napi_set_named_property(env, exports, "isUsingGpuDevice", value);
  return exports;
}
}
`;
/** tfjs-node whose backend is tfjs' own in JavaScript: what installs it is under test, not its arithmetic. */
const BACKEND = `const tf = require("@tensorflow/tfjs");
const { MathBackendCPU } = require(${JSON.stringify(require.resolve("@tensorflow/tfjs-backend-cpu"))});
for (const kernel of tf.getKernelsForBackend("cpu")) tf.registerKernel({ ...kernel, backendName: "tensorflow" });
exports.NodeJSKernelBackend = class extends MathBackendCPU {
  constructor(binding) { super(); this.binding = binding; this.isUsingGpuDevice = binding.isUsingGpuDevice(); }
};
`;

let release: TensorFlowRelease;
let wheel: Buffer;

beforeAll(() => {
  mkdirSync(downloads);
  mkdirSync(programs);
  mkdirSync(native);
  writeFileSync(join(native, "version.h"), '#define VERSION version()\nextern "C" const char *version();\n');
  writeFileSync(join(native, "version.cc"), 'extern "C" const char *version() { return "9.9.9"; }\n');
  for (const name of ["c++", "tar", "npm", "sh", "gzip", "as", "ld", "collect2"]) {
    try {
      const path = execFileSync("which", [name], { encoding: "utf8" }).trim();
      makeProgram(name, `PATH=${JSON.stringify(PATH)} exec ${JSON.stringify(path)} "$@"`);
    } catch {
      // Not a program of its own here.
    }
  }
  wheel = Buffer.from(
    zipSync({
      // As in the wheel for Linux arm64, whose library needs one that lies beside.
      "tensorflow.libs/libomp.so.2": shared("omp"),
      "tensorflow/libtensorflow_cc.so.2": shared("tensorflow_cc", "omp"),
      "tensorflow/libtensorflow_framework.so.2": [shared("tensorflow_framework"), { level: 0 }],
      "tensorflow/include/tensorflow/c/c_api.h": Buffer.from("// nothing"),
      "tensorflow/python/big.py": Buffer.from("not wanted"),
    }),
  );
  writeFileSync(join(downloads, WHEEL), wheel);
  const version = { name: "fake", version: "1.0.0" };
  release = {
    ...TENSORFLOW_RELEASE,
    wheels: { [hash("sha256", "hex", wheel)]: "generated" },
    cuda: [["nvidia-cublas-cu12==12.5.3.2", "0".repeat(64)]],
    tfjsNode: {
      ...version,
      ...makeTarball("tfjs-node.tgz", {
        "package.json": '{ "name": "@tensorflow/tfjs-node", "version": "4.22.0" }',
        "binding/tfjs_backend.cc": '#include "tensorflow/c/c_api.h"\n',
        "binding/tfjs_binding.cc": BINDING,
        "dist/nodejs_kernel_backend.js": BACKEND,
        "dist/register_all_kernels.js": "",
      }),
    },
    edits: {
      folder: native,
      replacements: {
        "tfjs_binding.cc": [
          ['"0.0.0"', "VERSION"],
          ["// include", '#include "version.h"'],
        ],
      },
    },
    headers: { ...version, ...makeTarball("headers.tgz", { "include/node_api.h": "" }) },
    neededBytes: { cpu: 1e6, cuda: 1e6 },
  };
});

afterEach(() => {
  Object.assign(process.env, { PATH });
  if (CXX === undefined) delete process.env.CXX;
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A new parent folder for an installation; afterwards it must hold what it held before. */
const newDir = (name: string) => join(mkdtempSync(join(root, "target ")), name);

/** Runs an installation that must fail with a BackendError, and proves that it left nothing. */
async function fault(options: InstallTensorFlowOptions, changed: Partial<TensorFlowRelease> = {}): Promise<string> {
  const dir = options.dir ?? newDir("tensorflow");
  const before = existsSync(dir) ? readdirSync(dir) : undefined;
  const error: unknown = await install({ from: downloads, ...options, dir }, { ...release, ...changed }).then(
    () => undefined,
    (error) => error,
  );
  expect(BackendError.isInstance(error)).toBe(true);
  expect(readdirSync(join(dir, ".."))).toEqual(before ? ["tensorflow"] : []);
  if (before) expect(readdirSync(dir)).toEqual(before);
  return (error as Error).message;
}

const onLinux = process.platform === "linux" && process.arch === "x64" ? describe : describe.skip;

onLinux("installTensorFlow(options) with a small generated wheel", () => {
  it("links, checks, moves into place, installs again over it, and is removed without a trace", async () => {
    const dir = newDir("tensorflow");
    const steps: string[] = [];
    const result = await install({ from: downloads, dir, onProgress: (step) => steps.push(step) }, release);
    expect(result).toEqual({ source: "installed", dir, tensorflow: "9.9.9", cuda: false, gpu: false });
    expect(steps.at(-1)).toBe("training a step to check it");
    expect(readdirSync(dir).sort()).toEqual(["check.cjs", "engine.cjs", "install.json", "node_modules", "site"]);
    expect(readdirSync(join(dir, "site", "tensorflow")).sort()).toEqual([
      "libtensorflow_cc.so.2",
      "libtensorflow_framework.so.2",
    ]);
    // The wheel itself, with its hash given, over the first one.
    const again = { from: join(downloads, WHEEL), dir, sha256: hash("sha256", "hex", wheel) };
    expect(await fault(again, { wheels: {} })).toMatch(/fake@1.0.0|headers|npm/);
    await install({ from: downloads, dir }, release);
    expect(await removeTensorFlow({ dir })).toEqual({ dir, removed: true });
    expect(await removeTensorFlow({ dir })).toEqual({ dir, removed: false });
    expect(readdirSync(join(dir, ".."))).toEqual([]);
  });

  it("keeps the earlier installation when a new one fails", async () => {
    const dir = newDir("tensorflow");
    await install({ from: downloads, dir }, release);
    expect(await fault({ dir }, { wheels: {} })).toContain("wrong sha256");
    expect(existsSync(join(dir, "engine.cjs"))).toBe(true);
  });

  it("refuses a wheel with another hash, and a tarball", async () => {
    expect(await fault({}, { wheels: {} })).toMatch(
      /the wheel tensorflow_cpu.* has the wrong sha256; expected .*; got/,
    );
    expect(await fault({ sha256: "00" })).toContain("expected 00; got");
    const tfjsNode = { ...release.tfjsNode, integrity: "sha512-other" };
    expect(await fault({}, { tfjsNode })).toContain("tfjs-node.tgz has the wrong hash; expected sha512-other; got");
  });

  it("refuses a wheel for another processor, without CUDA, a file that is none, and a path that is not there", async () => {
    const other = join(root, WHEEL.replaceAll("x86_64", "aarch64"));
    writeFileSync(other, wheel);
    expect(await fault({ from: other })).toContain("is for another platform; expected one for Linux x86_64");
    expect(await fault({ from: join(downloads, WHEEL), cuda: true })).toContain("has no CUDA");
    expect(await fault({ from: join(downloads, "headers.tgz") })).toContain("from must be a TensorFlow wheel");
    const nowhere = install({ from: join(root, "nowhere"), dir: newDir("tensorflow") }, release);
    await expect(nowhere).rejects.toThrow(InvalidArgumentError);
    expect(await fault({ from: programs })).toContain("there is no TensorFlow wheel in");
  });

  it("refuses a wheel that is cut off, damaged, leads outside, or holds no TensorFlow", async () => {
    const broken = (name: string, bytes: Uint8Array) => {
      const folder = join(root, name);
      cpSync(downloads, folder, { recursive: true });
      writeFileSync(join(folder, WHEEL), bytes);
      return fault({ from: folder, sha256: hash("sha256", "hex", bytes) });
    };
    expect(await broken("cut", wheel.subarray(0, wheel.length / 2))).toContain("is not a whole wheel");
    const damaged = Buffer.from(wheel).fill(0xff, 60, 90);
    expect(await broken("damaged", damaged)).toContain("is not a whole wheel");
    const outside = zipSync({ "tensorflow/include/tensorflow/c/../../../../../out.h": Buffer.from("x") });
    expect(await broken("outside", outside)).toContain("leads outside");
    expect(await broken("empty", zipSync({ "other/file": Buffer.from("x") }))).toContain("holds no TensorFlow");
  });

  it("says how to get a compiler, pip, npm or tar where there is none", async () => {
    process.env.PATH = root;
    delete process.env.CXX;
    expect(await fault({})).toContain("no C++ compiler found (c++, g++, clang++). Install one: apt-get install g++");
    process.env.CXX = "no-such-compiler";
    expect(await fault({})).toContain("got no-such-compiler");
    delete process.env.CXX;
    process.env.PATH = programs;
    expect(await fault({ from: undefined })).toContain("no pip found. Install it (apt-get install python3-pip");
    expect(await fault({ from: undefined, python: "python9" })).toContain("no pip found for python9");
    makeProgram("tar", "exec no-such-tar");
    expect(await fault({})).toContain("tar -x of tfjs-node.tgz failed");
    rmSync(join(programs, "tar"));
    process.env.PATH = root;
    process.env.CXX = join(programs, "c++");
    expect(await fault({ from: join(downloads, WHEEL) })).toContain("npm is not on the PATH");
  });

  it("says so where pip or npm finds no network, or the disk is full", async () => {
    process.env.PATH = `${programs}:${PATH}`;
    const pip = (complaint: string) =>
      makeProgram("python3", `case "$*" in *--version) exit 0;; esac; echo ${JSON.stringify(complaint)} >&2; exit 1`);
    pip("ERROR: No matching distribution found for tensorflow-cpu==2.18.1");
    expect(await fault({ from: undefined })).toMatch(
      /pip download of tensorflow-cpu==2.18.1 failed: ERROR: No matching.* Check the network, or download it elsewhere/,
    );
    pip("ERROR: [Errno 28] No space left on device");
    expect(await fault({ from: undefined })).toContain("the disk is full. Free some space or pass another dir.");
    makeProgram("npm", "echo network >&2; exit 1");
    expect(await fault({ from: join(downloads, WHEEL) })).toContain("npm pack fake@1.0.0 failed: network Check the");
    const lines = [
      "code X",
      "FetchError: request to http://x failed, reason: connect X",
      "at y",
      "A complete log of this run",
    ];
    makeProgram("npm", `printf '${lines.map((line) => `npm error ${line}\\n`).join("")}' >&2; exit 1`);
    expect(await fault({ from: join(downloads, WHEEL) })).toContain(
      "failed: npm error FetchError: request to http://x failed, reason: connect X Check the network",
    );
    expect(await fault({}, { neededBytes: { cpu: 2 ** 60, cuda: 0 } })).toMatch(/is too full: .* GB free; expected/);
  });

  it("refuses a binding's source that is not as expected", async () => {
    const replacements = { "tfjs_binding.cc": [["napi_value", "x"]] } as const;
    expect(await fault({}, { edits: { folder: native, replacements } })).toMatch(
      /tfjs_binding.cc of fake@1.0.0 is not as expected; "napi_value" must occur once, it occurs \d+ times/,
    );
    expect(await fault({}, { edits: { folder: "nowhere", replacements } })).toMatch(
      /the C\+\+ files of @acr\/backend are not there \(.*nowhere.*\). Install the package with npm/,
    );
  });

  it("reports a compiler's complaint, a check that fails, and leaves nothing", async () => {
    makeProgram("broken-c++", `case "$*" in --version) exit 0;; esac; echo "error: no member named x" >&2; exit 1`);
    process.env.CXX = join(programs, "broken-c++");
    expect(await fault({})).toContain("failed: error: no member named x Name another compiler in CXX.");
    // tfjs-node's licence asks for it (Apache-2.0, section 4b).
    makeProgram(
      "telling-c++",
      `case "$*" in --version) exit 0;; esac; for file; do case "$file" in *tfjs_binding.cc) head -n 1 "$file" >&2;; esac; done; exit 1`,
    );
    process.env.CXX = join(programs, "telling-c++");
    expect(await fault({})).toContain("// This file was changed by @acr/backend");
    makeProgram("empty-c++", `case "$*" in --version) exit 0;; esac; for last; do :; done; echo junk > "$last"`);
    process.env.CXX = join(programs, "empty-c++");
    expect(await fault({})).toMatch(
      /the check \(a training step\) failed: .*tfjs_binding.node.* Nothing was installed/,
    );
  });

  it("stops on a signal, and leaves nothing", async () => {
    const abort = new AbortController();
    const onProgress = (step: string) => step.startsWith("linking") && abort.abort();
    expect(await fault({ signal: abort.signal, onProgress })).toBe(
      "installTensorFlow: stopped. Nothing was installed.",
    );
  });

  it("refuses a driver that is too old for CUDA 12, and a CUDA library with another hash", async () => {
    process.env.PATH = `${programs}:${PATH}`;
    makeProgram("nvidia-smi", "echo 470.82.01");
    expect(await fault({ cuda: true })).toContain("the NVIDIA driver 470.82.01 is too old for CUDA 12; expected 525");
    rmSync(join(programs, "nvidia-smi"));
    const folder = join(root, "cuda");
    cpSync(downloads, folder, { recursive: true });
    cpSync(join(folder, WHEEL), join(folder, WHEEL.replace("_cpu", "")));
    writeFileSync(join(folder, "nvidia_cublas_cu12-12.5.3.2-py3-none-manylinux2014_x86_64.whl"), "x");
    expect(await fault({ cuda: true, from: folder })).toMatch(/the wheel nvidia_cublas.* has the wrong sha256/);
  });

  it("clears up after a process that was killed, and brings back what it had set aside", async () => {
    const dir = newDir("tensorflow");
    const dead = Number(execFileSync("sh", ["-c", "echo $$"], { encoding: "utf8" }));
    await install({ from: downloads, dir }, release);
    cpSync(dir, `${dir}.installing-${dead}-old`, { recursive: true });
    rmSync(dir, { recursive: true });
    mkdirSync(`${dir}.installing-${dead}`);
    // In a container the killed process had the number of this one.
    mkdirSync(`${dir}.installing-${process.pid}`);
    expect(await fault({ dir: `${dir}` }, { wheels: {} }).catch(() => "brought back")).toBe("brought back");
    expect(readdirSync(join(dir, ".."))).toEqual(["tensorflow"]);
    expect(existsSync(join(dir, "engine.cjs"))).toBe(true);
  });

  it("refuses a second installation into a folder, and its removal, until the first has ended", async () => {
    const dir = newDir("tensorflow");
    const first = install({ from: downloads, dir }, release);
    const others = [
      install({ from: downloads, dir: join(dir, "..", "tensorflow") }, release),
      removeTensorFlow({ dir }),
    ].map((promise) => promise.catch((error: unknown) => error));
    for (const error of await Promise.all(others)) {
      expect(BackendError.isInstance(error)).toBe(true);
      expect((error as Error).message).toContain(`is installing into ${dir} already. Wait for that to end.`);
    }
    expect(await first).toMatchObject({ source: "installed", dir });
    expect(existsSync(join(dir, "engine.cjs"))).toBe(true);
    expect(await removeTensorFlow({ dir })).toEqual({ dir, removed: true });
  });

  it("leaves no folder that it had made around the place", async () => {
    const parent = newDir("data");
    mkdirSync(parent);
    const dir = join(parent, "acr", "tensorflow");
    await expect(install({ dir, from: programs }, release)).rejects.toThrow("there is no TensorFlow wheel");
    expect(readdirSync(parent)).toEqual([]);
    const { XDG_DATA_HOME, ACR_TENSORFLOW_DIR } = process.env;
    process.env.XDG_DATA_HOME = parent;
    delete process.env.ACR_TENSORFLOW_DIR;
    try {
      await install({ from: downloads }, release);
      await expect(removeTensorFlow({ dir: "" })).rejects.toThrow("dir must name a folder; got an empty string");
      expect(await removeTensorFlow()).toEqual({ dir, removed: true });
      expect(readdirSync(parent)).toEqual([]);
    } finally {
      for (const [name, value] of Object.entries({ XDG_DATA_HOME, ACR_TENSORFLOW_DIR })) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
  });

  it("says where no folder can be made: below /proc, and below a file", async () => {
    const file = newDir("file");
    writeFileSync(file, "");
    for (const parent of ["/proc/acr", file]) {
      const error = await install({ from: downloads, dir: join(parent, "tensorflow") }, release).catch(
        (error) => error,
      );
      expect(BackendError.isInstance(error)).toBe(true);
      expect((error as Error).message).toMatch(
        /^installTensorFlow: cannot make the folder \/.* Pass another dir, or name one in ACR_TENSORFLOW_DIR. Nothing was/,
      );
    }
    expect(await removeTensorFlow({ dir: join(file, "tensorflow") })).toMatchObject({ removed: false });
  });

  it("leaves a folder alone that it did not make", async () => {
    const dir = newDir("tensorflow");
    mkdirSync(dir);
    writeFileSync(join(dir, "thesis.txt"), "");
    expect(await fault({ dir })).toContain("holds something else");
    await expect(removeTensorFlow({ dir })).rejects.toThrow("was not made by installTensorFlow. Remove it by hand.");
    expect(readdirSync(dir)).toEqual(["thesis.txt"]);
  });

  it("gives tensors the methods that kernels of tfjs-node call", async () => {
    const dir = newDir("tensorflow");
    await install({ from: downloads, dir }, release);
    const script = `const [core, cpu, engine] = process.argv.slice(1);
      const tf = require(core);
      require(cpu);
      require(engine)(tf);
      tf.setBackend("cpu");
      const x = tf.tensor1d([1.5, -2]);
      console.log(x.sub(1).mul(2).add(x.toFloat()).toInt().dataSync().join());`;
    const paths = ["@tensorflow/tfjs-core", "@tensorflow/tfjs-backend-cpu"].map((name) => require.resolve(name));
    const printed = execFileSync(process.execPath, ["-e", script, ...paths, join(dir, "engine.cjs")], {
      stdio: "pipe",
    });
    expect(String(printed)).toContain("2,-8");
  });

  it("refuses to load beside another TensorFlow", async () => {
    const dir = newDir("tensorflow");
    await install({ from: downloads, dir }, release);
    const other = newDir("tensorflow");
    await install({ from: downloads, dir: other }, release);
    const script = `const tf = require(${JSON.stringify(require.resolve("@tensorflow/tfjs-core"))});
      for (const dir of process.argv.slice(1)) require(dir + "/engine.cjs")(tf);`;
    const run = () => execFileSync(process.execPath, ["-e", script, dir, other], { stdio: "pipe" });
    expect(run).toThrow(/another TensorFlow is loaded already \(.*libtensorflow.*\) and a process can hold only one/);
  });
});

it("installTensorFlow(options) refuses unknown options", async () => {
  await expect(installTensorFlow({ cude: true } as never)).rejects.toThrow(InvalidArgumentError);
  await expect(removeTensorFlow({ folder: "x" } as never)).rejects.toThrow(InvalidArgumentError);
});

it("tensorFlowPlatform(cuda) says what is missing where there is no wheel to link to", () => {
  expect(tensorFlowPlatform(false, { platform: "linux", arch: "arm64" }).package).toBe("tensorflow");
  expect(tensorFlowPlatform(false, { platform: "darwin", arch: "arm64" }).name).toBe("macOS arm64");
  const on =
    (platform: string, arch: string, cuda = false) =>
    () =>
      tensorFlowPlatform(cuda, { platform, arch });
  expect(on("win32", "x64")).toThrow(
    "wheels for Windows hold no C library to link to. Use WSL 2, or the wasm backend.",
  );
  expect(on("darwin", "x64")).toThrow("no wheel to link to for darwin x64. Use the wasm backend.");
  expect(on("linux", "arm64", true)).toThrow("the CUDA wheel exists for Linux x64 only; this is linux arm64.");
});
