import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { copyFile, mkdir, readdir, rename, rm, statfs, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { pathToFileURL } from "node:url";
import { BackendError, checkOptions } from "@acr/core";
import type { InstallTensorFlowOptions, TensorFlowInstallation } from "../install-tensorflow.js";
import type { RemoveTensorFlowOptions } from "../remove-tensorflow.js";
import { extractWheel } from "./extract-wheel.js";
import { lastLines, type ProgramResult, runProgram } from "./run-program.js";
import { CHECK, ENGINE, PROTOBUF_SHIM, TFJS_SHIM } from "./tensorflow-files.js";
import { MANIFEST, type TensorFlowManifest, tensorFlowFolder } from "./tensorflow-folder.js";
import {
  CUDA_LIBRARIES,
  KNOWN_WHEELS,
  MINIMUM_DRIVER,
  NPM_SOURCES,
  type NpmSource,
  TENSORFLOW_VERSION,
} from "./tensorflow-release.js";

const GIGABYTE = 2 ** 30;
/** Wheels and what is taken out of them lie side by side for a while. */
const NEEDED_BYTES = { cpu: 1.5 * GIGABYTE, cuda: 9 * GIGABYTE };
const fault = (message: string, cause?: unknown) => new BackendError(`installTensorFlow: ${message}`, { cause });

interface Platform {
  package: "tensorflow" | "tensorflow-cpu";
  /** Ends the wheel's platform tag. */
  tag: RegExp;
  cpu: string;
  pip: string[];
}

function thisPlatform(cuda: boolean): Platform {
  const { platform, arch } = process;
  if (cuda && (platform !== "linux" || arch !== "x64"))
    throw fault(`the CUDA wheel exists for Linux x64 only; this is ${platform} ${arch}. Leave out cuda.`);
  if (platform === "linux" && arch === "x64")
    return {
      package: cuda ? "tensorflow" : "tensorflow-cpu",
      tag: /manylinux.*_x86_64/,
      cpu: "x86_64",
      pip: ["manylinux_2_17_x86_64", "manylinux2014_x86_64"],
    };
  if (platform === "linux" && arch === "arm64")
    return {
      package: "tensorflow",
      tag: /manylinux.*_aarch64/,
      cpu: "aarch64",
      pip: ["manylinux_2_17_aarch64", "manylinux2014_aarch64"],
    };
  if (platform === "darwin" && arch === "arm64")
    return { package: "tensorflow", tag: /macosx.*_arm64/, cpu: "macOS arm64", pip: ["macosx_12_0_arm64"] };
  const hint =
    platform === "win32"
      ? "TensorFlow's wheels for Windows have no C library to link to: use WSL 2, or the wasm backend"
      : "use the wasm backend";
  throw fault(`there is no wheel to link to for ${platform} ${arch}; ${hint}.`);
}

/** Compares dotted versions by their numbers. */
function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split(".").map(Number)) as [number[], number[]];
  for (let i = 0; i < b.length; i++) if ((a[i] ?? 0) !== b[i]) return (a[i] ?? 0) < b[i]!;
  return false;
}

async function checkDriver(say: (message: string) => void): Promise<void> {
  const { code, stdout } = await runProgram("nvidia-smi", ["--query-gpu=driver_version", "--format=csv,noheader"]);
  const version = /^\d+(\.\d+)+/.exec(stdout.trim())?.[0];
  if (code !== 0 || !version) {
    say("no NVIDIA driver found here (nvidia-smi): this installation will use the CPU until there is one");
  } else if (isOlder(version, MINIMUM_DRIVER)) {
    throw fault(
      `the NVIDIA driver ${version} is too old for CUDA 12; expected ${MINIMUM_DRIVER} or later. Update the driver, or leave out cuda.`,
    );
  }
}

async function findCompiler(): Promise<string> {
  const { CXX } = process.env;
  for (const name of [...(CXX ? [CXX] : []), "c++", "g++", "clang++"]) {
    if ((await runProgram(name, ["--version"])).code === 0) return name;
  }
  throw fault(
    "no C++ compiler found (CXX, c++, g++, clang++). Install one: apt-get install g++, dnf install gcc-c++ or xcode-select --install.",
  );
}

async function hashOf(file: string, algorithm: "sha256" | "sha512", encoding: "hex" | "base64"): Promise<string> {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(file), hash);
  return hash.digest(encoding);
}

/** A program's failure as the fault to report. */
function failed(what: string, result: ProgramResult, hint: string): BackendError {
  if (/No space left|ENOSPC|disk quota/i.test(result.stderr))
    return fault(`${what}: the disk is full. Free some space and run it again.`);
  return fault(`${what} failed: ${lastLines(result.stderr || result.stdout)} ${hint}`);
}

interface Work {
  folder: string;
  sources: string | undefined;
  options: InstallTensorFlowOptions;
  say: (message: string) => void;
}

/** Downloads by pip, without Python's dependencies. */
async function pipDownload({ folder, options }: Work, args: string[], what: string): Promise<void> {
  const { python, signal } = options;
  const target = join(folder, "downloads");
  let result: ProgramResult | undefined;
  for (const command of python ? [python] : ["python3", "python"]) {
    const probe = await runProgram(command, ["-m", "pip", "--version"], { signal });
    if (probe.code !== 0) continue;
    result = await runProgram(
      command,
      ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", target, ...args],
      { signal },
    );
    break;
  }
  if (!result)
    throw fault(
      `no pip found${python ? ` for ${python}` : ""}. Install it (apt-get install python3-pip, or python3 -m ensurepip), or download ${what} elsewhere and pass from.`,
    );
  if (result.code !== 0)
    throw failed(`pip download of ${what}`, result, "Check the network, or download it elsewhere and pass from.");
}

async function getWheel(work: Work, platform: Platform): Promise<{ file: string; sha256: string }> {
  const { options, sources, folder, say } = work;
  const prefix = `${platform.package.replace("-", "_")}-`;
  const isWheel = (name: string) => name.endsWith(".whl") && /^tensorflow(_cpu)?-/.test(name);
  let file: string;
  if (options.from !== undefined) {
    const given = resolve(options.from);
    if (!existsSync(given)) throw fault(`from does not exist; got ${options.from}.`);
    if (sources === undefined) {
      file = given;
    } else {
      const names = (await readdir(sources)).filter(isWheel);
      const name = names.find((name) => name.startsWith(prefix) && platform.tag.test(name)) ?? names[0];
      if (!name)
        throw fault(`there is no TensorFlow wheel in ${sources}; expected ${prefix}${TENSORFLOW_VERSION}-….whl.`);
      file = join(sources, name);
    }
  } else {
    say(`downloading ${platform.package} ${TENSORFLOW_VERSION}`);
    const requirement = `${platform.package}==${TENSORFLOW_VERSION}`;
    const tags = platform.pip.flatMap((tag) => ["--platform", tag]);
    await pipDownload(work, ["--python-version", "312", ...tags, requirement], requirement);
    const name = (await readdir(join(folder, "downloads"))).find(isWheel);
    if (!name) throw fault(`pip download of ${requirement} brought no wheel. Download it elsewhere and pass from.`);
    file = join(folder, "downloads", name);
  }
  const name = basename(file);
  if (!isWheel(name)) throw fault(`from must be a TensorFlow wheel (….whl) or a folder with one; got ${name}.`);
  if (!platform.tag.test(name))
    throw fault(`the wheel ${name} is for another platform; this machine is ${platform.cpu}. Get the one for it.`);
  if (options.cuda && name.startsWith("tensorflow_cpu-"))
    throw fault(`the wheel ${name} has no CUDA; expected tensorflow-${TENSORFLOW_VERSION}-….whl.`);
  say("checking the wheel");
  const sha256 = await hashOf(file, "sha256", "hex");
  if (options.sha256 ? sha256 !== options.sha256.toLowerCase() : !KNOWN_WHEELS[sha256])
    throw fault(
      `the wheel ${name} has the wrong hash; expected ${options.sha256 ?? `one of TensorFlow ${TENSORFLOW_VERSION} for Python 3.9 to 3.12`}; got sha256 ${sha256}. Download it again${options.sha256 ? "" : ", or pass sha256 if you trust it"}.`,
    );
  return { file, sha256 };
}

/** The CUDA libraries, into `site/nvidia`. */
async function addCuda(work: Work, site: string): Promise<void> {
  const { folder, sources, say } = work;
  for (const [requirement, sha256] of CUDA_LIBRARIES) {
    const [name, version] = requirement.split("==") as [string, string];
    const prefix = `${name.replaceAll("-", "_")}-${version}-`;
    let where = sources;
    const find = async () => (await readdir(where!)).find((file) => file.startsWith(prefix) && file.endsWith(".whl"));
    let file = where && (await find());
    if (!file) {
      say(`downloading ${requirement}`);
      const tags = ["manylinux2014_x86_64", "manylinux_2_17_x86_64"].flatMap((tag) => ["--platform", tag]);
      await pipDownload(work, [...tags, requirement], requirement);
      where = join(folder, "downloads");
      file = await find();
    }
    if (!file) throw fault(`pip download of ${requirement} brought no wheel.`);
    const path = join(where!, file);
    const actual = await hashOf(path, "sha256", "hex");
    if (actual !== sha256)
      throw fault(`the wheel ${file} has the wrong hash; expected ${sha256}; got ${actual}. Download it again.`);
    await extractWheel(path, site, (entry) => /^nvidia\/.*(\/lib\/|\/bin\/|\/nvvm\/)/.test(entry));
    if (where !== sources) await rm(path);
  }
}

/** An npm tarball's files, in a folder of their own. */
async function unpackNpm(work: Work, source: NpmSource): Promise<string> {
  const { folder, sources, options, say } = work;
  const downloads = join(folder, "downloads");
  await mkdir(downloads, { recursive: true });
  let file = join(sources ?? "", source.file);
  if (sources === undefined || !existsSync(file)) {
    const wanted = `${source.name}@${source.version}`;
    say(`downloading ${wanted}`);
    const result = await runProgram("npm", ["pack", wanted, "--pack-destination", downloads, "--silent"], {
      cwd: folder,
      signal: options.signal,
    });
    if (result.missing) throw fault("npm is not on the PATH. Add the folder of npm to it.");
    if (result.code !== 0)
      throw failed(
        `npm pack ${wanted}`,
        result,
        `Check the network, or put ${source.file} into a folder and pass from.`,
      );
    file = join(downloads, source.file);
  }
  const integrity = `sha512-${await hashOf(file, "sha512", "base64")}`;
  if (integrity !== source.integrity)
    throw fault(
      `${source.file} has the wrong hash; expected ${source.integrity}; got ${integrity}. Download it again.`,
    );
  const target = join(folder, "sources", source.file);
  await mkdir(target, { recursive: true });
  const result = await runProgram("tar", ["-xzf", file, "-C", target, "--strip-components=1"]);
  if (result.code !== 0) throw failed(`tar -x of ${source.file}`, result, "");
  return target;
}

async function link(
  work: Work,
  { compiler, site, tfjsNode, headers }: { compiler: string; site: string; tfjsNode: string; headers: string },
): Promise<void> {
  const { folder, options, say } = work;
  say(`linking the binding with ${compiler}`);
  const root = join(folder, "node_modules", "@tensorflow");
  await mkdir(join(root, "tfjs-node", "lib"), { recursive: true });
  await mkdir(join(root, "tfjs"), { recursive: true });
  const library = (name: string) =>
    join(site, "tensorflow", process.platform === "darwin" ? `lib${name}.2.dylib` : `lib${name}.so.2`);
  const origin = process.platform === "darwin" ? "@loader_path" : "$ORIGIN";
  const result = await runProgram(
    compiler,
    [
      ...["-std=c++17", "-O2", "-fPIC", "-shared", "-DNAPI_VERSION=8"],
      ...(process.platform === "darwin" ? ["-undefined", "dynamic_lookup"] : []),
      ...[tfjsNode, join(site, "tensorflow", "include"), join(headers, "include")].flatMap((path) => ["-I", path]),
      ...["tfjs_backend.cc", "tfjs_binding.cc"].map((file) => join(tfjsNode, "binding", file)),
      ...["tensorflow_cc", "tensorflow_framework"].map(library),
      `-Wl,-rpath,${origin}/../../../../site/tensorflow`,
      ...["-o", join(root, "tfjs-node", "lib", "tfjs_binding.node")],
    ],
    { signal: options.signal },
  );
  if (result.code !== 0) throw failed(`linking with ${compiler}`, result, "Try another compiler: set CXX.");
  await rename(join(tfjsNode, "dist"), join(root, "tfjs-node", "dist"));
  await copyFile(join(tfjsNode, "package.json"), join(root, "tfjs-node", "package.json"));
  await writeFile(join(root, "tfjs-node", "dist", "proto", "api_pb.js"), PROTOBUF_SHIM);
  await writeFile(join(root, "tfjs", "index.js"), TFJS_SHIM);
  await writeFile(join(folder, "engine.cjs"), ENGINE);
  await writeFile(join(folder, "check.cjs"), CHECK);
}

const requireHere = () => createRequire(import.meta.url ?? pathToFileURL(__filename).href);

/** Trains a step in a process of its own: a broken library would take this one with it. */
async function check(script: string[], loader: string, signal?: AbortSignal): Promise<ProgramResult> {
  const require = requireHere();
  const peers = ["@tensorflow/tfjs-core", "@tensorflow/tfjs-layers"].map((name) => require.resolve(name));
  return runProgram(process.execPath, [...script, loader, ...peers], { signal });
}

/** An installed tfjs-node that can train here. */
async function workingPackage(cuda: boolean): Promise<TensorFlowInstallation | undefined> {
  const { resolvePackage } = await import("./resolve-tfjs-node.js");
  for (const { path, dir } of resolvePackage(cuda ? ["@tensorflow/tfjs-node-gpu"] : undefined)) {
    const { code, stdout } = await check(["-e", CHECK, "--"], path);
    if (code !== 0) continue;
    const { tensorflow, gpu } = JSON.parse(stdout.trim().split("\n").at(-1)!) as { tensorflow: string; gpu: boolean };
    if (gpu || !cuda) return { source: "package", dir, tensorflow, cuda: gpu, gpu };
  }
  return undefined;
}

/** Folders of installations that were killed. */
async function removeLeftovers(dir: string): Promise<void> {
  for (const name of await readdir(dirname(dir)).catch(() => [])) {
    const pid = name.startsWith(`${basename(dir)}.installing-`) && Number(name.split("-").at(-1));
    if (!pid) continue;
    try {
      process.kill(pid, 0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ESRCH") await rm(join(dirname(dir), name), { recursive: true });
    }
  }
}

export async function install(options: InstallTensorFlowOptions): Promise<TensorFlowInstallation> {
  checkOptions("installTensorFlow", options, ["cuda", "from", "dir", "sha256", "python", "onProgress", "signal"]);
  const { cuda = false, onProgress: say = () => {}, signal } = options;
  const dir = tensorFlowFolder(options.dir);
  const platform = thisPlatform(cuda);
  if (existsSync(dir) && !existsSync(join(dir, MANIFEST)) && (await readdir(dir)).length > 0)
    throw fault(`${dir} holds something else. Pass an empty or a new folder as dir.`);
  if (options.from === undefined && options.dir === undefined) {
    const found = await workingPackage(cuda);
    if (found) return found;
  }
  if (cuda) await checkDriver(say);
  const compiler = await findCompiler();
  const folder = `${dir}.installing-${process.pid}`;
  try {
    await mkdir(dirname(dir), { recursive: true });
    await removeLeftovers(dir);
    const { bavail, bsize } = await statfs(dirname(dir));
    const needed = NEEDED_BYTES[cuda ? "cuda" : "cpu"];
    if (bavail * bsize < needed)
      throw fault(
        `the disk of ${dirname(dir)} is too full: ${((bavail * bsize) / GIGABYTE).toFixed(1)} GB free; expected ${(needed / GIGABYTE).toFixed(1)} GB. Free some space or pass another dir.`,
      );
    await mkdir(join(folder, "downloads"), { recursive: true });
    const isWheelFile = options.from === undefined || options.from.endsWith(".whl");
    const work: Work = { folder, sources: isWheelFile ? undefined : resolve(options.from!), options, say };
    const { file, sha256 } = await getWheel(work, platform);
    const tfjsNode = await unpackNpm(work, NPM_SOURCES.tfjsNode);
    const headers = await unpackNpm(work, NPM_SOURCES.headers);
    const site = join(folder, "site");
    say("taking the libraries out of the wheel");
    const wanted =
      /^tensorflow\/(libtensorflow_(cc|framework)\.|include\/(tensorflow\/c\/|tensorflow\/core\/platform\/ctstring|tsl\/platform\/ctstring|xla\/tsl\/c\/))/;
    if ((await extractWheel(file, site, (path) => wanted.test(path))) < 3)
      throw fault(`the wheel ${basename(file)} holds no libtensorflow_cc to link to.`);
    if (cuda) await addCuda(work, site);
    signal?.throwIfAborted();
    await link(work, { compiler, site, tfjsNode, headers });
    const manifest: TensorFlowManifest = {
      formatVersion: 1,
      tensorflow: TENSORFLOW_VERSION,
      cuda,
      wheel: basename(file),
      sha256,
      platform: `${process.platform}-${process.arch}`,
      compiler,
    };
    for (const done of ["downloads", "sources", join("site", "tensorflow", "include")])
      await rm(join(folder, done), { recursive: true });
    await writeFile(join(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
    say("training a step to check it");
    const result = await check([join(folder, "check.cjs")], join(folder, "engine.cjs"), signal);
    if (result.code !== 0) throw failed("the check (a training step)", result, "Nothing was installed.");
    const { tensorflow, gpu } = JSON.parse(result.stdout) as { tensorflow: string; gpu: boolean };
    signal?.throwIfAborted();
    await replace(dir, folder);
    return { source: "installed", dir, tensorflow, cuda, gpu };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    if (signal?.aborted) throw fault("stopped; nothing was installed.", error);
    if (BackendError.isInstance(error)) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOSPC" || code === "EDQUOT")
      throw fault("the disk is full. Free some space or pass another dir.", error);
    throw fault(`${message}. Nothing was installed.`, error);
  }
}

/** Puts `folder` where `dir` was, which comes back if that fails. */
async function replace(dir: string, folder: string): Promise<void> {
  const old = `${folder}-old`;
  const hadOne = existsSync(dir);
  if (hadOne) await rename(dir, old);
  try {
    await rename(folder, dir);
  } catch (error) {
    if (hadOne) await rename(old, dir);
    throw error;
  }
  await rm(old, { recursive: true, force: true });
}

export async function remove(options: RemoveTensorFlowOptions): Promise<{ dir: string; removed: boolean }> {
  checkOptions("removeTensorFlow", options, ["dir"]);
  const dir = tensorFlowFolder(options.dir);
  await removeLeftovers(dir);
  if (!existsSync(dir)) return { dir, removed: false };
  if (!existsSync(join(dir, MANIFEST)))
    throw new BackendError(`removeTensorFlow: ${dir} was not made by installTensorFlow. Remove it by hand.`);
  await rm(dir, { recursive: true });
  return { dir, removed: true };
}
