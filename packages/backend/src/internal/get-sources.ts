import { InvalidArgumentError } from "@acr/core";
import { extractWheel } from "./extract-wheel.js";
import { hashFile, type InstallWork, installFault, programFault } from "./install-work.js";
import { type ProgramResult, runProgram } from "./run-program.js";
import type { TensorFlowPlatform } from "./tensorflow-platform.js";
import type { NpmSource } from "./tensorflow-release.js";

/** Downloads by pip, without Python's dependencies. */
async function pipDownload({ folder, options, node }: InstallWork, args: string[], what: string): Promise<string> {
  const { python, signal } = options;
  const target = node.path.join(folder, "downloads");
  let result: ProgramResult | undefined;
  for (const command of python ? [python] : ["python3", "python"]) {
    const probe = await runProgram(command, ["-m", "pip", "--version"], { signal });
    if (probe.code !== 0) continue;
    const flags = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"];
    result = await runProgram(command, ["-m", "pip", "download", ...flags, "--dest", target, ...args], { signal });
    break;
  }
  signal?.throwIfAborted();
  if (!result)
    throw installFault(
      `no pip found${python ? ` for ${python}` : ""}. Install it (apt-get install python3-pip, or python3 -m ensurepip), or download ${what} elsewhere and pass from.`,
    );
  if (result.code !== 0)
    throw programFault(`pip download of ${what}`, result, "Check the network, or download it elsewhere and pass from.");
  return target;
}

/**
 * TensorFlow's wheel, out of `from` or by pip, with its hash checked.
 *
 * @throws {BackendError} there is none, it is for another platform, it lacks CUDA, or its hash is unknown.
 */
export async function getWheel(
  work: InstallWork,
  platform: TensorFlowPlatform,
): Promise<{ file: string; sha256: string }> {
  const { options, sources, say, node, release } = work;
  const { path, fs, files } = node;
  const prefix = `${platform.package.replace("-", "_")}-`;
  const expected = `${prefix}${release.tensorflow}-….whl`;
  const isWheel = (name: string) => name.endsWith(".whl") && /^tensorflow(_cpu)?-/.test(name);
  let file: string;
  if (options.from !== undefined) {
    const given = path.resolve(options.from);
    if (!fs.existsSync(given))
      throw new InvalidArgumentError(
        `installTensorFlow: from must be a wheel or a folder with one; ${given} does not exist.`,
      );
    if (sources === undefined) {
      file = given;
    } else {
      const names = (await files.readdir(sources)).filter(isWheel);
      const name = names.find((name) => name.startsWith(prefix) && platform.tag.test(name)) ?? names[0];
      if (!name) throw installFault(`there is no TensorFlow wheel in ${sources}; expected ${expected}.`);
      file = path.join(sources, name);
    }
  } else {
    const requirement = `${platform.package}==${release.tensorflow}`;
    say(`downloading ${requirement}`);
    const tags = platform.pipPlatforms.flatMap((tag) => ["--platform", tag]);
    const downloads = await pipDownload(work, ["--python-version", "312", ...tags, requirement], requirement);
    const name = (await files.readdir(downloads)).find(isWheel);
    if (!name)
      throw installFault(`pip download of ${requirement} brought no wheel. Download it elsewhere and pass from.`);
    file = path.join(downloads, name);
  }
  const name = path.basename(file);
  if (!isWheel(name)) throw installFault(`from must be a TensorFlow wheel or a folder with one; got ${name}.`);
  if (!platform.tag.test(name))
    throw installFault(
      `the wheel ${name} is for another platform; expected one for ${platform.name}. Download ${expected} for it.`,
    );
  if (options.cuda && name.startsWith("tensorflow_cpu-"))
    throw installFault(`the wheel ${name} has no CUDA; expected ${expected}. Download that, or leave out cuda.`);
  say("checking the wheel");
  const sha256 = await hashFile(node, file, ["sha256", "hex"]);
  if (options.sha256 ? sha256 !== options.sha256.toLowerCase() : !release.wheels[sha256])
    throw installFault(
      `the wheel ${name} has the wrong sha256; expected ${options.sha256 ?? `that of TensorFlow ${release.tensorflow} for Python 3.9 to 3.12`}; got ${sha256}. Download it again${options.sha256 ? "" : ", or pass sha256 if you trust it"}.`,
    );
  return { file, sha256 };
}

/** CUDA's libraries into `site/nvidia`, where the wheel's own libraries look for them. */
export async function addCuda(work: InstallWork, site: string): Promise<void> {
  const { sources, say, node, release, options } = work;
  const { files, path } = node;
  for (const [requirement, sha256] of release.cuda) {
    const [name, version] = requirement.split("==") as [string, string];
    const prefix = `${name.replaceAll("-", "_")}-${version}-`;
    const find = async (where: string) =>
      (await files.readdir(where)).find((file) => file.startsWith(prefix) && file.endsWith(".whl"));
    let where = sources;
    let file = where && (await find(where));
    if (!file) {
      say(`downloading ${requirement}`);
      const tags = ["manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux1_x86_64"];
      where = await pipDownload(work, [...tags.flatMap((tag) => ["--platform", tag]), requirement], requirement);
      file = await find(where);
    }
    if (!file) throw installFault(`pip download of ${requirement} brought no wheel. Download it and pass from.`);
    const wheel = path.join(where!, file);
    const actual = await hashFile(node, wheel, ["sha256", "hex"]);
    if (actual !== sha256)
      throw installFault(
        `the wheel ${file} has the wrong sha256; expected ${sha256}; got ${actual}. Download it again.`,
      );
    await extractWheel(node, {
      file: wheel,
      folder: site,
      wanted: (entry) => /^nvidia\/.*(\/lib\/|\/bin\/|\/nvvm\/)/.test(entry),
      signal: options.signal,
    });
    if (where !== sources) await files.rm(wheel);
  }
}

/**
 * An npm tarball's files, in a folder of their own: out of `from` where it lies there, else by npm.
 *
 * @throws {BackendError} no npm, no network, or a wrong hash.
 */
export async function unpackNpm(work: InstallWork, source: NpmSource): Promise<string> {
  const { folder, sources, options, say, node } = work;
  const { path, fs, files } = node;
  const downloads = path.join(folder, "downloads");
  let file = path.join(sources ?? downloads, source.file);
  if (!fs.existsSync(file)) {
    const wanted = `${source.name}@${source.version}`;
    say(`downloading ${wanted}`);
    const args = ["pack", wanted, "--pack-destination", downloads, "--loglevel=error"];
    const result = await runProgram("npm", args, { cwd: folder, signal: options.signal });
    options.signal?.throwIfAborted();
    if (result.missing) throw installFault("npm is not on the PATH. Add its folder, or pass from.");
    // Of npm's many lines, the one that says why.
    const reason = result.stderr.split("\n").find((line) => /failed, reason: | \d{3} |ENOSPC/.test(line));
    if (result.code !== 0)
      throw programFault(
        `npm pack ${wanted}`,
        { ...result, stderr: reason ?? result.stderr },
        `Check the network, or put ${source.file} into a folder and pass from.`,
      );
    file = path.join(downloads, source.file);
  }
  const integrity = `sha512-${await hashFile(node, file, ["sha512", "base64"])}`;
  if (integrity !== source.integrity)
    throw installFault(
      `${source.file} has the wrong hash; expected ${source.integrity}; got ${integrity}. Download it again.`,
    );
  const target = path.join(folder, "sources", source.name.replace("/", "-"));
  await files.mkdir(target, { recursive: true });
  const result = await runProgram("tar", ["-xzf", file, "-C", target, "--strip-components=1"]);
  if (result.missing) throw installFault("tar is not on the PATH. Install it, e.g. apt-get install tar.");
  if (result.code !== 0) throw programFault(`tar -x of ${source.file}`, result, "");
  return target;
}
