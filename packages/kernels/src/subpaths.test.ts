import "@tensorflow/tfjs-backend-cpu";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { BackendError } from "@acr/core";
import * as tf from "@tensorflow/tfjs-core";
import * as index from "./index.js";
import * as tensorflow from "./tensorflow.js";
import * as webgpu from "./webgpu.js";

const packageFolder = fileURLToPath(new URL("..", import.meta.url));
const root = join(packageFolder, "../..");

describe("@acr/kernels/tensorflow and @acr/kernels/webgpu", () => {
  it("hold the whole front and their own registration, which refuses another backend", async () => {
    expect(Object.keys(tensorflow).sort()).toEqual([...Object.keys(index), "registerTensorFlowKernels"].sort());
    expect(Object.keys(webgpu).sort()).toEqual([...Object.keys(index), "registerWebGpuKernels"].sort());
    await tf.setBackend("cpu");
    expect(() => tensorflow.registerTensorFlowKernels()).toThrow(BackendError);
    expect(() => tensorflow.registerTensorFlowKernels()).toThrow(/current backend must be tensorflow .*got cpu/);
    expect(() => webgpu.registerWebGpuKernels()).toThrow(BackendError);
    expect(() => webgpu.registerWebGpuKernels()).toThrow(/current backend must be webgpu; got cpu/);
  });

  it("load from the packed tarball as ESM and CommonJS, and share their classes", () => {
    const folder = mkdtempSync(join(tmpdir(), "acr-kernels-"));
    try {
      const [{ filename }] = JSON.parse(
        execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], {
          cwd: packageFolder,
          encoding: "utf8",
          stdio: ["ignore", "pipe", "ignore"],
        }),
      );
      const target = join(folder, "node_modules/@acr/kernels");
      mkdirSync(target, { recursive: true });
      execFileSync("tar", ["-xzf", join(folder, filename), "--strip-components=1", "-C", target]);
      for (const name of ["@acr/core", "@tensorflow"]) {
        mkdirSync(dirname(join(folder, "node_modules", name)), { recursive: true });
        symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
      }
      const check = `
        const found = [front, tensorflow, webgpu].map(({ FusedAdam }) => FusedAdam);
        if (new Set(found).size !== 1) throw new Error("three copies");
        console.log(typeof tensorflow.registerTensorFlowKernels, typeof webgpu.registerWebGpuKernels);`;
      const load = (how: (name: string) => string) =>
        ["front", "tensorflow", "webgpu"]
          .map((name) => `const ${name} = ${how(name === "front" ? "@acr/kernels" : `@acr/kernels/${name}`)};`)
          .join("\n");
      for (const args of [
        ["--input-type=module", "-e", load((path) => `await import(${JSON.stringify(path)})`) + check],
        ["-e", load((path) => `require(${JSON.stringify(path)})`) + check],
      ])
        expect(execFileSync(process.execPath, args, { cwd: folder, encoding: "utf8" })).toBe("function function\n");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
