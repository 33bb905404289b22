import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { setupBackend } from "./setup-backend.js";

const require = createRequire(join(process.cwd(), "package.json"));

// In a file of its own: no backend may be active before.
it("setupBackend() leaves no backend active where there was none and the wanted one is refused", async () => {
  const dir = mkdtempSync(join(tmpdir(), "acr refused "));
  const { ACR_TENSORFLOW_DIR } = process.env;
  process.env.ACR_TENSORFLOW_DIR = dir;
  writeFileSync(join(dir, "install.json"), '{ "formatVersion": 1, "cuda": true }');
  const backend = JSON.stringify(require.resolve("@tensorflow/tfjs-backend-cpu"));
  writeFileSync(
    join(dir, "engine.cjs"),
    `const { MathBackendCPU } = require(${backend});
module.exports = (tf) => tf.registerBackend("tensorflow", () => new MathBackendCPU(), 3);`,
  );
  try {
    expect(tf.getBackend()).toBeFalsy();
    await expect(setupBackend({ prefer: ["tensorflow"], gpu: 0 })).rejects.toThrow("tensorflow sees no GPU 0 here");
    expect(tf.getBackend()).toBeFalsy();
    // Nor is it what tfjs takes by itself.
    await import("@tensorflow/tfjs-backend-cpu");
    await tf.ready();
    expect(tf.getBackend()).toBe("cpu");
    // Asked for by name, it starts.
    expect(await setupBackend({ prefer: ["tensorflow"] })).toMatchObject({ name: "tensorflow", gpu: false });
    expect(tf.getBackend()).toBe("tensorflow");
  } finally {
    rmSync(dir, { recursive: true });
    if (ACR_TENSORFLOW_DIR === undefined) delete process.env.ACR_TENSORFLOW_DIR;
    else process.env.ACR_TENSORFLOW_DIR = ACR_TENSORFLOW_DIR;
  }
});
