import { join } from "node:path";
import { standInPrograms } from "./__fixtures__/stand-in-programs.js";
import { gpuName } from "./gpu-name.js";

describe("gpuName({ command })", () => {
  const { folder, script } = standInPrograms();

  it("joins what the driver lists", async () => {
    const command = script("two", 'test "$1" = --query-gpu=name && printf "NVIDIA A\\nNVIDIA B\\n"');
    expect(await gpuName({ command })).toBe("NVIDIA A, NVIDIA B");
  });

  it("finds none where the driver is absent, fails or lists nothing", async () => {
    expect(await gpuName({ command: join(folder, "absent") })).toBe("none found");
    expect(await gpuName({ command: script("failing", "echo broken; exit 9") })).toBe("none found");
    expect(await gpuName({ command: script("silent", "exit 0") })).toBe("none found");
  });

  it("asks WebGPU's adapter where there is no driver", async () => {
    const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
    const command = join(folder, "absent");
    const offer = async (requestAdapter: () => Promise<unknown>) => {
      Object.defineProperty(globalThis, "navigator", { value: { gpu: { requestAdapter } }, configurable: true });
      return gpuName({ command });
    };
    try {
      expect(await offer(async () => ({ info: { vendor: "google", architecture: "swiftshader" } }))).toBe(
        "google swiftshader",
      );
      expect(await offer(async () => null)).toBe("none found");
      expect(await offer(() => Promise.reject(new Error("lost")))).toBe("none found");
    } finally {
      if (before) Object.defineProperty(globalThis, "navigator", before);
      else delete (globalThis as { navigator?: unknown }).navigator;
    }
  });
});
