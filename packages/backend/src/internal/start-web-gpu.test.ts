import { fileURLToPath } from "node:url";
import { childProcesses } from "@acr/testing";

const { runNode } = childProcesses();

/** Runs a program that imports the built package, since jest cannot load the ESM package `webgpu`; its last line is JSON. */
async function run(program: string, env: Record<string, string> = {}) {
  const head = 'import { doctor, setupBackend } from "@acr/backend"; import * as tf from "@tensorflow/tfjs-core";';
  const tail = "process.stdout.write(JSON.stringify(result), () => process.exit(0));";
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

describe("setupBackend({ prefer: ['webgpu'] }) in Node", () => {
  it("computes on the adapter, says that it is a software driver, and doctor measures it", async () => {
    const { info, again, sum, variant, found } = await run(`
      const info = await setupBackend({ prefer: ["webgpu"] });
      const again = (await setupBackend({ prefer: ["webgpu"] })) === info;
      const [sum] = await tf.sum(tf.mul(tf.range(0, 5000), 2)).data();
      const found = (await doctor()).backends.find(({ name }) => name === "webgpu");
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

  it("says in a second start that the device was lost, and falls back where it may", async () => {
    const { message, name } = await run(`
      await setupBackend({ prefer: ["webgpu"] });
      tf.backend().device.destroy();
      await new Promise((resolve) => setTimeout(resolve, 50));
      const { message } = await setupBackend({ prefer: ["webgpu"] }).catch((error) => error);
      const { name } = await setupBackend({ prefer: ["webgpu", "wasm"], threads: 1 });
      const result = { message, name };
    `);
    expect(message).toMatch(/webgpu: the graphics device was lost.*Start a new process or page/);
    expect(name).toBe("wasm");
  });
});
