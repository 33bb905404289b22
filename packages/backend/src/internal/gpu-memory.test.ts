import { join } from "node:path";
import { BackendError } from "@acr/core";
import { standInPrograms } from "./__fixtures__/stand-in-programs.js";
import { gpuMemory } from "./gpu-memory.js";

describe("gpuMemory({ index, command })", () => {
  const { folder, script } = standInPrograms();

  it("reads the free mebibytes of the GPU it is asked for", async () => {
    const command = script("one", 'test "$1" = --query-gpu=memory.free && test "$4" = 1 && echo 80995');
    expect(await gpuMemory({ index: 1, command })).toBe(80995 * 2 ** 20);
    expect(await gpuMemory({ index: 0, command })).toBeUndefined();
  });

  it("reads that of the first GPU that CUDA is shown, where none is named", async () => {
    const { CUDA_VISIBLE_DEVICES } = process.env;
    try {
      process.env.CUDA_VISIBLE_DEVICES = "GPU-5,2";
      expect(await gpuMemory({ command: script("shown", 'test "$4" = GPU-5 && echo 7') })).toBe(7 * 2 ** 20);
      delete process.env.CUDA_VISIBLE_DEVICES;
      expect(await gpuMemory({ command: script("first", 'test "$4" = 0 && echo 3') })).toBe(3 * 2 ** 20);
    } finally {
      if (CUDA_VISIBLE_DEVICES !== undefined) process.env.CUDA_VISIBLE_DEVICES = CUDA_VISIBLE_DEVICES;
    }
  });

  it("knows nothing where the driver is absent, fails or does not tell", async () => {
    expect(await gpuMemory({ index: 0, command: join(folder, "absent") })).toBeUndefined();
    expect(await gpuMemory({ index: 0, command: script("failing", "echo 9; exit 9") })).toBeUndefined();
    expect(await gpuMemory({ index: 0, command: script("shared", 'echo "[N/A]"') })).toBeUndefined();
  });

  it("says so where the driver blocks, before something else asks it", async () => {
    const asked = gpuMemory({ command: script("blocked", 'trap "" TERM; exec sleep 1000'), timeoutMs: 200 });
    await expect(asked).rejects.toThrow(BackendError);
    await expect(asked).rejects.toThrow(/the NVIDIA driver did not answer for 0.2 seconds .*Restart the machine, or/);
  });
});
