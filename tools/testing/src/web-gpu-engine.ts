import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** What Dawn's addon offers. */
interface Dawn {
  create(flags: string[]): { requestAdapter(): Promise<object | null> };
  globals: object;
  /** Ours: the one instance of this process. Dawn aborts the process when one of two is collected. */
  instance?: ReturnType<Dawn["create"]>;
}

/**
 * Registers tfjs' webgpu backend on Dawn (npm `webgpu`). Without a graphics processor it computes on SwiftShader, which
 * comes with Debian's chromium; the jest environment points Vulkan's loader there.
 *
 * @throws {Error} no adapter, and what would give one: a missing driver shows, it skips no test.
 */
export async function webGpuEngine(): Promise<void> {
  const load = createRequire(import.meta.url);
  const folder = join(dirname(load.resolve("webgpu/package.json")), "dist");
  const arch = process.platform === "darwin" ? "universal" : process.arch;
  // Node's own copy, which all test files of a process share.
  const dawn = load(join(folder, `${process.platform}-${arch}.dawn.node`)) as Dawn;
  Object.assign(globalThis, dawn.globals);
  dawn.instance ??= dawn.create([]);
  const gpu = dawn.instance;
  // Node 20 has no navigator, later ones a frozen one.
  if (!("navigator" in globalThis)) Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
  Object.defineProperty(navigator, "gpu", { value: gpu, configurable: true });
  if (!(await gpu.requestAdapter())) {
    const driver = process.env.VK_ICD_FILENAMES ?? "";
    throw new Error(
      `no WebGPU adapter. Install Debian's packages chromium and libvulkan1, or a graphics driver (VK_ICD_FILENAMES=${driver}${existsSync(driver) ? "" : ", absent"}).`,
    );
  }
  await import("@tensorflow/tfjs-backend-webgpu");
}
