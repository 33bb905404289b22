import { AcrError, BackendError, checkOptions, StorageError } from "@acr/core";
import type { InstallTensorFlowOptions, TensorFlowInstallation } from "../install-tensorflow.js";
import type { RemoveTensorFlowOptions } from "../remove-tensorflow.js";
import { extractWheel } from "./extract-wheel.js";
import { addCuda, getWheel, unpackNpm } from "./get-sources.js";
import { type InstallWork, installFault, programFault } from "./install-work.js";
import { findCompiler, linkBinding } from "./link-binding.js";
import { type NodeModules, nodeModules } from "./node-modules.js";
import { packageUrl, resolvePackage } from "./resolve-tfjs-node.js";
import { type ProgramResult, runProgram } from "./run-program.js";
import { CHECK } from "./tensorflow-files.js";
import { defaultTensorFlowFolder, MANIFEST, type TensorFlowManifest, tensorFlowFolder } from "./tensorflow-folder.js";
import { tensorFlowPlatform } from "./tensorflow-platform.js";
import { MINIMUM_DRIVER, TENSORFLOW_RELEASE, type TensorFlowRelease } from "./tensorflow-release.js";

const GIGABYTE = 2 ** 30;
/** Without a process that keeps it awake, a driver with many GPUs takes its time. */
const DRIVER_TIMEOUT_MS = 60_000;
/** Libraries, among them what arm64's wheel keeps beside them, and the headers of the C API. */
const WANTED =
  /^(tensorflow\.libs\/|tensorflow\/(libtensorflow_(cc|framework)\.|include\/(tensorflow\/c\/|tensorflow\/core\/platform\/ctstring|tsl\/platform\/ctstring|xla\/tsl\/c\/)))/;
const ANOTHER_FOLDER = "Pass another dir, or name one in ACR_TENSORFLOW_DIR.";
const OPTIONS = ["cuda", "from", "dir", "sha256", "python", "onProgress", "signal"];

/** Compares dotted versions by their numbers. */
function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split(".").map(Number)) as [number[], number[]];
  for (let i = 0; i < b.length; i++) if ((a[i] ?? 0) !== b[i]) return (a[i] ?? 0) < b[i]!;
  return false;
}

/** @returns whether there is an NVIDIA driver.  @throws {BackendError} one that is too old for CUDA 12. */
async function hasDriver(say: (message: string) => void): Promise<boolean> {
  const args = ["--query-gpu=driver_version", "--format=csv,noheader"];
  const { code, stdout, timedOut } = await runProgram("nvidia-smi", args, { timeoutMs: DRIVER_TIMEOUT_MS });
  if (timedOut)
    throw installFault(
      `the NVIDIA driver did not answer for ${DRIVER_TIMEOUT_MS / 1000} seconds (nvidia-smi). Restart the machine, or leave out cuda.`,
    );
  const version = /^\d+(\.\d+)+/.exec(stdout.trim())?.[0];
  if (code !== 0 || !version) {
    say("no NVIDIA driver answers here (nvidia-smi): this installation uses the CPU until one does");
    return false;
  }
  if (isOlder(version, MINIMUM_DRIVER))
    throw installFault(
      `the NVIDIA driver ${version} is too old for CUDA 12; expected ${MINIMUM_DRIVER} or later. Update the driver, or leave out cuda.`,
    );
  return true;
}

/** Trains a step in a process of its own: a broken library would take this one with it. */
async function check(
  node: NodeModules,
  script: string[],
  loader: string,
  signal?: AbortSignal,
): Promise<ProgramResult> {
  const require = node.module.createRequire(packageUrl(node));
  const peers = ["@tensorflow/tfjs-core", "@tensorflow/tfjs-layers"].map((name) => require.resolve(name));
  return runProgram(process.execPath, [...script, loader, ...peers], { signal });
}

/** What the check printed. */
const checkResult = ({ stdout }: ProgramResult) =>
  JSON.parse(stdout.trim().split("\n").at(-1)!) as { tensorflow: string; gpu: boolean };

/** An installed tfjs-node that can train here. */
async function workingPackage(node: NodeModules, cuda: boolean): Promise<TensorFlowInstallation | undefined> {
  const names = cuda ? ["@tensorflow/tfjs-node-gpu"] : undefined;
  for (const { path, dir } of await resolvePackage(names)) {
    const result = await check(node, ["-e", CHECK, "--"], path);
    if (result.code !== 0) continue;
    const { tensorflow, gpu } = checkResult(result);
    if (gpu || !cuda) return { source: "package", dir, tensorflow, cuda: gpu, gpu };
  }
  return undefined;
}

/** Clears up after processes that were killed: half-made folders go, a set-aside installation comes back. */
async function removeLeftovers({ fs, files, isRunning, path }: NodeModules, dir: string): Promise<void> {
  const parent = path.dirname(dir);
  if (!fs.statSync(parent, { throwIfNoEntry: false })?.isDirectory()) return;
  const stem = `${path.basename(dir)}.installing-`;
  for (const name of await files.readdir(parent)) {
    const [, pid, old] = (name.startsWith(stem) && /^(\d+)(-old)?$/.exec(name.slice(stem.length))) || [];
    // In a container a killed process had the number of this one.
    if (!pid || (Number(pid) !== process.pid && isRunning(Number(pid)))) continue;
    if (old && !fs.existsSync(dir)) await files.rename(path.join(parent, name), dir);
    else await files.rm(path.join(parent, name), { recursive: true });
  }
}

/** Folders that must be made for `folder` to be there, the deepest first. */
function missingFolders({ fs, path }: NodeModules, folder: string): string[] {
  const missing: string[] = [];
  for (let at = folder; !fs.existsSync(at); at = path.dirname(at)) missing.push(at);
  return missing;
}

/** Removes folders in order, up to the first that is in use. */
async function removeEmpty({ files }: NodeModules, folders: string[]): Promise<void> {
  try {
    for (const folder of folders) await files.rmdir(folder);
  } catch {
    // Somebody else's by now.
  }
}

/** Puts `folder` where `dir` was, which comes back if that fails. */
async function replace({ fs, files }: NodeModules, dir: string, folder: string): Promise<void> {
  const old = `${folder}-old`;
  const hadOne = fs.existsSync(dir);
  if (hadOne) await files.rename(dir, old);
  try {
    await files.rename(folder, dir);
  } catch (error) {
    if (hadOne) await files.rename(old, dir);
    throw error;
  }
  await files.rm(old, { recursive: true, force: true });
}

/** Folders that this process is installing into. */
const busy = new Set<string>();

/** Nothing else of this process may touch the folder meanwhile; of other processes the folder's name keeps apart. */
async function alone<T>(caller: string, dir: string, work: () => Promise<T>): Promise<T> {
  if (busy.has(dir))
    throw new BackendError(`${caller}: this process is installing into ${dir} already. Wait for that to end.`);
  busy.add(dir);
  try {
    return await work();
  } finally {
    busy.delete(dir);
  }
}

/** `installTensorFlow`; `release` is for tests, whose wheels are small. */
export async function install(
  options: InstallTensorFlowOptions,
  release: TensorFlowRelease = TENSORFLOW_RELEASE,
): Promise<TensorFlowInstallation> {
  checkOptions("installTensorFlow", options, OPTIONS);
  const dir = await tensorFlowFolder(options.dir);
  return alone("installTensorFlow", dir, () => installInto(dir, options, release));
}

async function installInto(
  dir: string,
  options: InstallTensorFlowOptions,
  release: TensorFlowRelease,
): Promise<TensorFlowInstallation> {
  const { cuda = false, onProgress: say = () => {}, signal } = options;
  const platform = tensorFlowPlatform(cuda);
  const node = await nodeModules();
  const { fs, files, makeFolder, path } = node;
  if (fs.existsSync(dir) && !fs.existsSync(path.join(dir, MANIFEST)) && (await files.readdir(dir)).length > 0)
    throw installFault(
      `dir must be an empty or a new folder, or an earlier installation; ${dir} holds something else.`,
    );
  if (options.from === undefined && options.dir === undefined) {
    const found = await workingPackage(node, cuda);
    if (found) return found;
  }
  const driver = cuda && (await hasDriver(say));
  const compiler = await findCompiler();
  const folder = `${dir}.installing-${process.pid}`;
  const parents = missingFolders(node, path.dirname(dir));
  try {
    await makeFolder(path.dirname(dir), { hint: ANOTHER_FOLDER });
    await removeLeftovers(node, dir);
    const { bavail, bsize } = await files.statfs(path.dirname(dir));
    const needed = release.neededBytes[cuda ? "cuda" : "cpu"];
    if (bavail * bsize < needed)
      throw installFault(
        `the disk of ${path.dirname(dir)} is too full: ${((bavail * bsize) / GIGABYTE).toFixed(1)} GB free; expected ${(needed / GIGABYTE).toFixed(1)} GB. Free some space or pass another dir.`,
      );
    await makeFolder(path.join(folder, "downloads"), { hint: ANOTHER_FOLDER });
    const isFolder = options.from !== undefined && fs.statSync(options.from, { throwIfNoEntry: false })?.isDirectory();
    const sources = isFolder ? path.resolve(options.from!) : undefined;
    const work: InstallWork = { node, folder, sources, options, release, say };
    const { file, sha256 } = await getWheel(work, platform);
    const tfjsNode = await unpackNpm(work, release.tfjsNode);
    const headers = await unpackNpm(work, release.headers);
    const site = path.join(folder, "site");
    say("taking the libraries out of the wheel");
    await extractWheel(node, { file, folder: site, wanted: (entry) => WANTED.test(entry), signal });
    if (!fs.existsSync(path.join(site, "tensorflow", "include")))
      throw installFault(`the wheel ${path.basename(file)} holds no TensorFlow to link to. Download it again.`);
    if (cuda) await addCuda(work, site);
    await linkBinding(work, { compiler, site, tfjsNode, headers });
    for (const done of ["downloads", "sources", path.join("site", "tensorflow", "include")])
      await files.rm(path.join(folder, done), { recursive: true });
    const manifest: TensorFlowManifest = {
      formatVersion: 1,
      tensorflow: release.tensorflow,
      cuda,
      wheel: path.basename(file),
      sha256,
      platform: `${process.platform}-${process.arch}`,
      compiler,
    };
    await files.writeFile(path.join(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
    say("training a step to check it");
    const result = await check(node, [path.join(folder, "check.cjs")], path.join(folder, "engine.cjs"), signal);
    signal?.throwIfAborted();
    if (result.code !== 0) throw programFault("the check (a training step)", result, "Nothing was installed.");
    const { tensorflow, gpu } = checkResult(result);
    if (driver && !gpu)
      throw programFault(
        "the check on the GPU",
        { ...result, stderr: `TensorFlow does not see it. ${result.stderr}` },
        "Update the NVIDIA driver, or leave out cuda. Nothing was installed.",
      );
    await replace(node, dir, folder);
    return { source: "installed", dir, tensorflow, cuda, gpu };
  } catch (error) {
    // Below a file there is nothing to remove.
    if (fs.existsSync(folder)) await files.rm(folder, { recursive: true });
    await removeEmpty(node, parents);
    if (signal?.aborted) throw installFault("stopped. Nothing was installed.", error);
    if (StorageError.isInstance(error)) throw installFault(`${error.message} Nothing was installed.`, error);
    if (AcrError.isInstance(error)) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOSPC" || code === "EDQUOT")
      throw installFault("the disk is full. Free some space or pass another dir.", error);
    throw installFault(`${message}. Nothing was installed.`, error);
  }
}

/** `removeTensorFlow`. */
export async function remove(options: RemoveTensorFlowOptions): Promise<{ dir: string; removed: boolean }> {
  checkOptions("removeTensorFlow", options, ["dir"]);
  const dir = await tensorFlowFolder(options.dir);
  return alone("removeTensorFlow", dir, () => removeFrom(dir));
}

async function removeFrom(dir: string): Promise<{ dir: string; removed: boolean }> {
  const node = await nodeModules();
  const { fs, files, path } = node;
  await removeLeftovers(node, dir);
  if (!fs.existsSync(dir)) return { dir, removed: false };
  if (!fs.existsSync(path.join(dir, MANIFEST)))
    throw new BackendError(`removeTensorFlow: ${dir} was not made by installTensorFlow. Remove it by hand.`);
  await files.rm(dir, { recursive: true });
  // The folder around the default place is ours too.
  if (dir === defaultTensorFlowFolder(node)) await removeEmpty(node, [path.dirname(dir)]);
  return { dir, removed: true };
}
