import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTensorFlow } from "./start-tensorflow.js";

const folder = mkdtempSync(join(tmpdir(), "acr-start-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const VARIABLES = ["ACR_TENSORFLOW_DIR", "CUDA_DEVICE_ORDER", "CUDA_VISIBLE_DEVICES"];
const before = VARIABLES.map((name) => [name, process.env[name]] as const);
afterAll(() => {
  for (const [name, value] of before) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

it("startTensorFlow({ gpu }) shows CUDA that GPU alone, counted as nvidia-smi counts, before it loads", async () => {
  writeFileSync(join(folder, "install.json"), '{ "formatVersion": 1 }');
  writeFileSync(
    join(folder, "engine.cjs"),
    'module.exports = () => { throw new Error(process.env.CUDA_DEVICE_ORDER + " " + process.env.CUDA_VISIBLE_DEVICES); };',
  );
  process.env.ACR_TENSORFLOW_DIR = folder;
  process.env.CUDA_DEVICE_ORDER = "FASTEST_FIRST";
  process.env.CUDA_VISIBLE_DEVICES = "7";
  await expect(startTensorFlow({})).rejects.toThrow("FASTEST_FIRST 7");
  await expect(startTensorFlow({ gpu: 1 })).rejects.toThrow("PCI_BUS_ID 1");
  // A choice that came to nothing is not left for the next.
  await expect(startTensorFlow({})).rejects.toThrow("FASTEST_FIRST 7");
});
