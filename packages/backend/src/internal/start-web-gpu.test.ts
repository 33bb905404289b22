import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { childProcesses } from "@acr/testing";

const { runNode } = childProcesses();

const EXIT = "process.stdout.write(JSON.stringify(result), () => process.exit(0));";

/** Runs a program that imports the built package, since jest cannot load the ESM package `webgpu`; its last line is JSON. */
async function run(program: string, env: Record<string, string> = {}, tail = EXIT) {
  const head = 'import { doctor, setupBackend } from "@acr/backend"; import * as tf from "@tensorflow/tfjs-core";';
  const { out, err } = await runNode(["--input-type=module", "-e", `${head}\n${program}\n${tail}`], {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    env: { ...process.env, ACR_TENSORFLOW_DIR: "no-such-folder", ...env },
  });
  try {
    return JSON.parse(out.trim().split("\n").at(-1)!);
  } catch {
    throw new Error(`no result: ${out}${err}`);
  }
}

const folder = mkdtempSync(join(tmpdir(), "acr webgpu "));
afterAll(() => rmSync(folder, { recursive: true }));

/** A module for --import, with which the software driver of this machine passes for a graphics processor. */
function asHardware(): string {
  const write = (name: string, text: string) => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return pathToFileURL(file).href;
  };
  const real = pathToFileURL(require.resolve("webgpu")).href;
  const stub = write(
    "stub.mjs",
    `import * as real from "${real}?real";
    export const { globals } = real;
    export function create(flags) {
      const gpu = real.create(flags);
      const requestAdapter = async (...wishes) =>
        Object.defineProperty(await gpu.requestAdapter(...wishes), "info", { value: { vendor: "acme" } });
      return { requestAdapter };
    }`,
  );
  const hook = write(
    "hook.mjs",
    `export async function resolve(specifier, context, next) {
      const found = await next(specifier, context);
      return found.url === "${real}" ? { url: "${stub}", shortCircuit: true } : found;
    }`,
  );
  return write("register.mjs", `import { register } from "node:module"; register("${hook}");`);
}

it("doctor({ inThisProcess: true }) lets a program end by itself, and webgpu starts again behind it", async () => {
  const ends = "console.log(JSON.stringify(result));";
  const program = `
    import "@tensorflow/tfjs-backend-cpu";
    const { backends } = await doctor({ seconds: 0, inThisProcess: true });
    const result = [backends.find(({ name }) => name === "webgpu").available, tf.getBackend()];`;
  expect(await run(program, {}, ends)).toEqual([true, "cpu"]);
  const again = `
    await setupBackend({ prefer: ["webgpu"] });
    result.push((await tf.add(1, 2).data())[0]);`;
  expect(await run(program + again)).toEqual([true, "cpu", 3]);
});

describe("setupBackend({ prefer: ['webgpu'] }) in Node", () => {
  it("computes on the adapter, says that it is a software driver, and doctor measures it", async () => {
    const { info, again, sum, variant, found } = await run(`
      const info = await setupBackend({ prefer: ["webgpu"] });
      const again = (await setupBackend({ prefer: ["webgpu"] })) === info;
      const [sum] = await tf.sum(tf.mul(tf.range(0, 5000), 2)).data();
      const found = (await doctor({ seconds: 0.2 })).backends.find(({ name }) => name === "webgpu");
      const result = { info, again, sum, found, variant: tf.getBackend() };
    `);
    expect(info).toMatchObject({ name: "webgpu", gpu: false, threads: 1, skipped: [] });
    expect(info.largestTensorBytes).toBeGreaterThanOrEqual(2 ** 27);
    expect(info.description).toMatch(/^webgpu, .*swiftshader.* \(a software driver, slow\)$/i);
    expect([again, sum, variant]).toEqual([true, 5000 * 4999, "webgpu"]);
    expect(found).toMatchObject({ available: true, gpu: false });
    expect(found.millisecondsPerImage).toBeGreaterThan(0);
  });

  it("names what is missing: a driver, a GPU that was asked for, a number that adapters have not", async () => {
    const attempt = "const result = await setupBackend(OPTIONS).catch(({ name, message }) => ({ name, message }));";
    const absent = await run(attempt.replace("OPTIONS", '{ prefer: ["webgpu"] }'), {
      VK_ICD_FILENAMES: "/no-such-driver",
    });
    expect(absent.name).toBe("BackendError");
    expect(absent.message).toMatch(/webgpu: WebGPU finds no graphics adapter.*libvulkan1.*VK_ICD_FILENAMES/);
    const software = await run(attempt.replace("OPTIONS", '{ prefer: ["webgpu"], gpu: 0 }'));
    expect(software.message).toMatch(/sees no GPU 0 here, only .*swiftshader/i);
    const fallback = await run('const result = await setupBackend({ prefer: ["webgpu", "wasm"], threads: 1 });', {
      VK_ICD_FILENAMES: "/no-such-driver",
    });
    expect(fallback).toMatchObject({ name: "wasm", skipped: [{ name: "webgpu" }] });
  });

  it("is not chosen by itself where it computes on the CPU, with the reason; doctor tells it", async () => {
    const { info, webgpu, chosen } = await run(`
      const info = await setupBackend({ threads: 1 });
      const { chosen, backends } = await doctor({ seconds: 0.2 });
      const webgpu = backends.find(({ name }) => name === "webgpu");
      const result = { info, chosen, webgpu };
    `);
    expect(info).toMatchObject({ name: "wasm", skipped: [{ name: "webgpu" }] });
    expect(info.skipped[0].reason).toMatch(
      /only adapter, .*swiftshader.* computes on the CPU, where wasm is many times/i,
    );
    expect(chosen).toBe("wasm");
    expect(webgpu).toMatchObject({ available: true, note: "computes on the CPU: used only where it is asked for" });
  });

  it("is chosen by itself where its adapter is a graphics processor, before wasm", async () => {
    const info = await run("const result = await setupBackend({ threads: 1 });", {
      NODE_OPTIONS: `--import=${asHardware()}`,
    });
    expect(info).toMatchObject({ name: "webgpu", gpu: true, description: "webgpu, acme", skipped: [] });
  });

  it("starts on a new device where the old one was lost; another backend and its tensors stay usable meanwhile", async () => {
    const result = await run(`
      await setupBackend({ prefer: ["wasm"], threads: 1 });
      const onWasm = tf.tensor1d([1, 2, 3]);
      await setupBackend({ prefer: ["webgpu"] });
      const onWebGpu = tf.add(tf.tensor1d([1, 2]), 1);
      await onWebGpu.data();
      tf.backend().device.destroy();
      await new Promise((resolve) => setTimeout(resolve, 50));
      const { name, message } = await Promise.resolve().then(() => tf.add(onWebGpu, 1).data()).catch((error) => error);
      const { name: wasm } = await setupBackend({ prefer: ["wasm"], threads: 1 });
      const kept = [...(await tf.add(onWasm, 1).data())];
      const { name: again } = await setupBackend({ prefer: ["webgpu"] });
      const [sum] = await tf.sum(tf.mul(tf.range(0, 5000), 2)).data();
      const doubled = [...(await tf.mul(onWasm, 2).data())];
      const result = { name, message, wasm, kept, again, sum, doubled };
    `);
    expect(result).toMatchObject({ name: "BackendError", wasm: "wasm", kept: [2, 3, 4] });
    expect(result.message).toMatch(/^webgpu: the graphics device was lost/);
    expect(result).toMatchObject({ again: "webgpu", sum: 5000 * 4999, doubled: [2, 4, 6] });
  });
});
