import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";

/**
 * Physical cores that this process may use: hardware threads of one core share its multipliers, so a second thread
 * there makes training slower. Linux says which are siblings; elsewhere every processor counts as a core.
 *
 * @param folder - where Linux describes the processors.
 */
export function physicalCores(folder = "/sys/devices/system/cpu"): number {
  const available = availableParallelism();
  if (!existsSync(folder)) return available;
  const siblings = readdirSync(folder)
    .filter((name) => /^cpu\d+$/.test(name))
    .map((name) => join(folder, name, "topology", "thread_siblings_list"))
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, "utf8").trim());
  return siblings.length === 0 ? available : Math.min(available, new Set(siblings).size);
}
