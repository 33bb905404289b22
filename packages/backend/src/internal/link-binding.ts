import { editBinding } from "./binding-edits.js";
import { type InstallWork, installFault, programFault } from "./install-work.js";
import { runProgram } from "./run-program.js";
import { CHECK, ENGINE, PROTOBUF_SHIM, TFJS_SHIM } from "./tensorflow-files.js";

/** @returns a C++ compiler that answers.  @throws {BackendError} there is none; the message says how to get one. */
export async function findCompiler(): Promise<string> {
  const { CXX } = process.env;
  for (const name of CXX ? [CXX] : ["c++", "g++", "clang++"]) {
    if ((await runProgram(name, ["--version"])).code === 0) return name;
  }
  throw installFault(
    CXX
      ? `the C++ compiler that CXX names does not run; got ${CXX}. Correct CXX, or unset it.`
      : "no C++ compiler found (c++, g++, clang++). Install one: apt-get install g++, dnf install gcc-c++ or xcode-select --install; or name one in CXX.",
  );
}

/**
 * Compiles tfjs-node's binding against the wheel's libraries and puts everything that the engine needs into the folder.
 *
 * @param from.site - holds `tensorflow/` of the wheel.  @param from.tfjsNode - its unpacked package.
 * @param from.headers - unpacked node-api-headers.
 */
export async function linkBinding(
  work: InstallWork,
  { compiler, site, tfjsNode, headers }: { compiler: string; site: string; tfjsNode: string; headers: string },
): Promise<void> {
  const { folder, options, say, node } = work;
  say(`linking the binding with ${compiler}`);
  const sources = await editBinding(work, tfjsNode);
  const { files, path } = node;
  const modules = path.join(folder, "node_modules", "@tensorflow");
  const target = path.join(modules, "tfjs-node");
  await files.mkdir(path.join(target, "lib"), { recursive: true });
  const isMac = process.platform === "darwin";
  const library = (name: string) => path.join(site, "tensorflow", isMac ? `lib${name}.2.dylib` : `lib${name}.so.2`);
  const result = await runProgram(
    compiler,
    [
      ...["-std=c++17", "-O2", "-fPIC", "-shared", "-pthread", "-DNAPI_VERSION=8"],
      ...(isMac ? ["-undefined", "dynamic_lookup"] : []),
      ...[tfjsNode, path.join(site, "tensorflow", "include"), path.join(headers, "include")].flatMap((at) => [
        "-I",
        at,
      ]),
      ...sources,
      ...["tensorflow_cc", "tensorflow_framework"].map(library),
      `-Wl,-rpath,${isMac ? "@loader_path" : "$ORIGIN"}/../../../../site/tensorflow`,
      ...["-o", path.join(target, "lib", "tfjs_binding.node")],
    ],
    { signal: options.signal },
  );
  options.signal?.throwIfAborted();
  if (result.code !== 0) throw programFault(`linking with ${compiler}`, result, "Name another compiler in CXX.");
  await files.rename(path.join(tfjsNode, "dist"), path.join(target, "dist"));
  await files.copyFile(path.join(tfjsNode, "package.json"), path.join(target, "package.json"));
  await files.mkdir(path.join(target, "dist", "proto"), { recursive: true });
  await files.writeFile(path.join(target, "dist", "proto", "api_pb.js"), PROTOBUF_SHIM);
  for (const name of ["tfjs", "tfjs-core"]) {
    await files.mkdir(path.join(modules, name));
    await files.writeFile(path.join(modules, name, "index.js"), TFJS_SHIM);
  }
  await files.writeFile(path.join(folder, "engine.cjs"), ENGINE);
  await files.writeFile(path.join(folder, "check.cjs"), CHECK);
}
