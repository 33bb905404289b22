import { importNode } from "./import-node.js";
import { isNode } from "./is-node.js";

/**
 * Physical cores that this process may use: hardware threads of one core share its multipliers, so a second thread
 * there makes training slower. Linux says which are siblings; elsewhere every processor counts as a core. Browsers tell
 * neither: of more than two hardware threads, half are taken for cores.
 *
 * @param folder - where Linux describes the processors.
 */
export async function physicalCores(folder = "/sys/devices/system/cpu"): Promise<number> {
  if (!isNode()) {
    const { hardwareConcurrency = 1 } = globalThis.navigator ?? {};
    return hardwareConcurrency > 2 ? Math.ceil(hardwareConcurrency / 2) : hardwareConcurrency;
  }
  const { existsSync, readdirSync, readFileSync } = await importNode<typeof import("node:fs")>("node:fs");
  const { availableParallelism } = await importNode<typeof import("node:os")>("node:os");
  const { join } = await importNode<typeof import("node:path")>("node:path");
  const available = availableParallelism();
  if (!existsSync(folder)) return available;
  const siblings = readdirSync(folder)
    .filter((name) => /^cpu\d+$/.test(name))
    .map((name) => join(folder, name, "topology", "thread_siblings_list"))
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, "utf8").trim());
  return siblings.length === 0 ? available : Math.min(available, new Set(siblings).size);
}
