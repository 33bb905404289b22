import { setFlagsFromString } from "node:v8";
import { compileModule } from "./compile-module.js";
import type { WasmExports } from "./wasm-exports.js";
import { whyNotWide, wideTestBytes } from "./why-not-wide.js";

describe("whyNotWide(plain, wide, options)", () => {
  const memory = new WebAssembly.Memory({ initial: 64 });
  const space = 2 ** 16;
  let plain: WasmExports;
  let wide: WasmExports;

  beforeAll(async () => {
    if (process.versions.node.startsWith("20.")) setFlagsFromString("--experimental-wasm-relaxed-simd");
    [plain, wide] = (await Promise.all(
      [false, true].map(async (isWide) => {
        const { module } = await compileModule({ shared: false, relaxed: true, wide: isWide });
        return (await WebAssembly.instantiate(module, { env: { memory } })).exports;
      }),
    )) as unknown as [WasmExports, WasmExports];
  });

  it("finds the same bits, and stays within its space", async () => {
    const bytes = new Uint8Array(memory.buffer).fill(0xa5);
    const length = wideTestBytes(wide);
    // Which of the two took less time is the machine's to say, but no bit may differ.
    for (const build of [plain, wide])
      expect((await whyNotWide(build, wide, { memory, space, mostMs: 0 })) ?? "").not.toMatch(/computed other numbers/);
    expect(bytes.subarray(0, space).every((byte) => byte === 0xa5)).toBe(true);
    expect(bytes.subarray(space + length).every((byte) => byte === 0xa5)).toBe(true);
    expect(bytes.subarray(space, space + length).every((byte) => byte === 0xa5)).toBe(false);
  });

  it("refuses a build one of whose results differs by a bit", async () => {
    for (const [kernel, output] of [
      ["unitForward", 4],
      ["unitBackward", 8],
      ["depthwiseUnitBackward", 8],
    ] as const) {
      const faulty = {
        ...wide,
        [kernel]: (...args: number[]) => {
          wide[kernel](...args);
          const words = new Int32Array(memory.buffer, args[output], 8);
          words[7]! ^= 1;
        },
      } as unknown as WasmExports;
      expect(await whyNotWide(plain, faulty, { memory, space, mostMs: 0 })).toMatch(/computed other numbers/);
    }
  });
});
