import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { webGpuDoubt } from "./web-gpu-doubt.js";

describe("webGpuDoubt({ module })", () => {
  const folder = mkdtempSync(join(tmpdir(), "acr doubt "));
  afterAll(() => rmSync(folder, { recursive: true }));
  /** A stand-in for the package, since this machine has one kind of adapter at most. */
  const stub = (name: string, body: string) => {
    const file = join(folder, `${name}.mjs`);
    writeFileSync(file, body);
    return pathToFileURL(file).href;
  };
  const adapter = (info: object | null) =>
    `export const create = () => ({ requestAdapter: async () => (${info ? `{ info: ${JSON.stringify(info)} }` : "null"}) });`;

  it("has none where a graphics processor answers, whatever its driver prints", async () => {
    const module = stub(
      "hardware",
      `console.log("a driver greets"); ${adapter({ vendor: "nvidia", architecture: "hopper" })}`,
    );
    expect(await webGpuDoubt({ module })).toBeUndefined();
  });

  it("names a software driver, by its name or by its own word", async () => {
    const named = stub("named", adapter({ vendor: "mesa", description: "llvmpipe (LLVM 15)" }));
    expect(await webGpuDoubt({ module: named })).toMatch(/only adapter, mesa llvmpipe .* computes on the CPU/);
    const flagged = stub("flagged", adapter({ vendor: "x", isFallbackAdapter: true }));
    expect(await webGpuDoubt({ module: flagged })).toMatch(/only adapter, x, computes on the CPU/);
  });

  it("says what is missing: an adapter, a package that starts, a process that survives", async () => {
    expect(await webGpuDoubt({ module: stub("none", adapter(null)) })).toMatch(/finds no graphics adapter/);
    const broken = stub("broken", 'throw new Error("GLIBCXX_3.4.32 not found");');
    expect(await webGpuDoubt({ module: broken })).toMatch(/does not start here .*--backend webgpu/);
    const dead = stub("dead", "process.abort();");
    expect(await webGpuDoubt({ module: dead })).toMatch(/does not start here/);
    const blocked = stub("blocked", "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);");
    expect(await webGpuDoubt({ module: blocked, timeoutMs: 1000 })).toMatch(/it did not answer for 1 seconds/);
  });
});
