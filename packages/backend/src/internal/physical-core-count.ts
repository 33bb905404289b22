import { isNode } from "./is-node.js";

/**
 * Cores that this process may use, not counting the second thread of a core: two threads on one core share its
 * arithmetic units, so they make training no faster. At least 1.
 */
export async function physicalCoreCount(): Promise<number> {
  if (!isNode()) return Math.max(1, globalThis.navigator?.hardwareConcurrency ?? 1);
  const { availableParallelism } = await import("node:os");
  const usable = Math.max(1, availableParallelism());
  if (process.platform !== "linux") return usable;
  const { readFile } = await import("node:fs/promises");
  const text = await readFile("/proc/cpuinfo", "utf8").catch(() => "");
  return Math.min(usable, countPhysicalCores(text) ?? usable);
}

/** Distinct (package, core) pairs in Linux' cpuinfo; `undefined` where it does not tell (ARM). */
export function countPhysicalCores(cpuinfo: string): number | undefined {
  const cores = new Set<string>();
  for (const processor of cpuinfo.split(/\n\s*\n/)) {
    const core = /^core id\s*:\s*(\d+)/m.exec(processor)?.[1];
    if (core !== undefined) cores.add(`${/^physical id\s*:\s*(\d+)/m.exec(processor)?.[1] ?? 0}/${core}`);
  }
  return cores.size > 0 ? cores.size : undefined;
}
