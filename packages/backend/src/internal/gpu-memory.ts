import { BackendError } from "@acr/core";
import { isNode } from "./is-node.js";
import { runProgram } from "./run-program.js";

/** Without a process that keeps it awake, a driver with many GPUs takes its time. */
const TIMEOUT_MS = 20_000;
const MEBIBYTE = 2 ** 20;

/**
 * Free memory of an NVIDIA GPU in bytes, as `nvidia-smi` tells it; `undefined` where it tells nothing.
 *
 * @param options.index - of the GPU. Default: the first that `CUDA_VISIBLE_DEVICES` shows, else 0.
 * @param options.command - that is asked. Default `nvidia-smi`.
 * @param options.timeoutMs - how long it may take. Default 20,000.
 * @throws {BackendError} it does not answer: whatever asks the driver then blocks, as TensorFlow would.
 */
export async function gpuMemory({
  index,
  command = "nvidia-smi",
  timeoutMs = TIMEOUT_MS,
}: {
  index?: number | undefined;
  command?: string;
  timeoutMs?: number;
} = {}): Promise<number | undefined> {
  if (!isNode()) return undefined;
  // An index or the identifier of a GPU; nvidia-smi takes both.
  const visible = process.env.CUDA_VISIBLE_DEVICES?.split(",")[0]?.trim() || "0";
  const device = index === undefined ? visible : String(index);
  const args = ["--query-gpu=memory.free", "--format=csv,noheader,nounits", "-i", device];
  const { code, stdout, timedOut } = await runProgram(command, args, { timeoutMs });
  if (timedOut)
    throw new BackendError(
      `the NVIDIA driver did not answer for ${timeoutMs / 1000} seconds (nvidia-smi). Restart the machine, or pass gpu -1 (ACR_GPU=-1) to use no GPU.`,
    );
  const free = Number.parseInt(stdout, 10);
  return code === 0 && free > 0 ? free * MEBIBYTE : undefined;
}
