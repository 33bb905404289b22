import { availableParallelism } from "node:os";
import { countPhysicalCores, physicalCoreCount } from "./physical-core-count.js";

const processor = (index: number, socket: number, core: number) =>
  `processor\t: ${index}\nphysical id\t: ${socket}\nsiblings\t: 4\ncore id\t\t: ${core}\ncpu cores\t: 2\n`;

describe("physicalCoreCount", () => {
  it("counts two threads of one core once", () => {
    expect(countPhysicalCores([processor(0, 0, 0), processor(1, 0, 1), processor(2, 0, 0), processor(3, 0, 1)].join("\n"))).toBe(2);
  });

  it("counts equal core numbers in two sockets twice", () => {
    expect(countPhysicalCores([processor(0, 0, 0), processor(1, 1, 0)].join("\n"))).toBe(2);
  });

  it("does not know where the file names no cores, as on ARM", () => {
    expect(countPhysicalCores("processor\t: 0\nBogoMIPS\t: 50.00\n")).toBeUndefined();
  });

  it("is between 1 and what this process may use", async () => {
    const count = await physicalCoreCount();
    expect(count).toBeGreaterThanOrEqual(1);
    expect(count).toBeLessThanOrEqual(availableParallelism());
  });
});
