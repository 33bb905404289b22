import { importNode } from "./import-node.js";

const TIMEOUT_MS = 5000;
const MEBIBYTE = 2 ** 20;

/**
 * Free memory of an NVIDIA GPU in bytes, as `nvidia-smi` tells it; `undefined` where it tells nothing. Never throws.
 *
 * @param options.index - of the GPU. Default: the first that `CUDA_VISIBLE_DEVICES` shows, else 0.
 * @param options.command - that is asked. Default `nvidia-smi`.
 */
export async function gpuMemory({
  index,
  command = "nvidia-smi",
}: {
  index?: number | undefined;
  command?: string;
} = {}): Promise<number | undefined> {
  if (typeof process === "undefined" || process.versions?.node === undefined) return undefined;
  const { execFile } = await importNode<typeof import("node:child_process")>("node:child_process");
  // An index or the identifier of a GPU; nvidia-smi takes both.
  const visible = process.env.CUDA_VISIBLE_DEVICES?.split(",")[0]?.trim() || "0";
  const device = index === undefined ? visible : String(index);
  return new Promise((resolve) => {
    const args = ["--query-gpu=memory.free", "--format=csv,noheader,nounits", "-i", device];
    execFile(command, args, { timeout: TIMEOUT_MS }, (error, stdout) => {
      const free = Number.parseInt(stdout, 10);
      resolve(error || !(free > 0) ? undefined : free * MEBIBYTE);
    });
  });
}
