import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { physicalCores } from "./physical-cores.js";

describe("physicalCores(folder)", () => {
  const folder = mkdtempSync(join(tmpdir(), "acr-cores-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it("counts hardware threads of one core once", async () => {
    for (const [cpu, siblings] of [
      [0, "0-1"],
      [1, "0-1"],
    ] as const) {
      mkdirSync(join(folder, `cpu${cpu}`, "topology"), { recursive: true });
      writeFileSync(join(folder, `cpu${cpu}`, "topology", "thread_siblings_list"), `${siblings}\n`);
    }
    expect(await physicalCores(folder)).toBe(1);
  });

  it("takes every processor where the system does not tell", async () => {
    expect(await physicalCores(join(folder, "absent"))).toBe(availableParallelism());
  });
});
