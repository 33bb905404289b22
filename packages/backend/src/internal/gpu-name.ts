import { answerWithin } from "./answer-within.js";
import { isNode } from "./is-node.js";
import { runProgram } from "./run-program.js";

/** The part of WebGPU that is asked here. */
interface Gpu {
  requestAdapter(): Promise<{ info?: { vendor?: string; architecture?: string; description?: string } } | null>;
}

/** What is said where there is no graphics processor, or none that answers. */
export const NO_GPU = "none found";

const TIMEOUT_MS = 5000;

/**
 * The graphics processors of this machine: what `nvidia-smi` lists in Node, else WebGPU's adapter.
 *
 * @param options.command - that lists them. Default `nvidia-smi`.
 * @returns their names, joined by commas; `"none found"` where neither answers. Never throws.
 */
export async function gpuName({ command = "nvidia-smi" }: { command?: string } = {}): Promise<string> {
  return (await fromDriver(command)) ?? (await fromWebGpu()) ?? NO_GPU;
}

async function fromDriver(command: string): Promise<string | undefined> {
  if (!isNode()) return undefined;
  const args = ["--query-gpu=name", "--format=csv,noheader"];
  const { code, stdout } = await runProgram(command, args, { timeoutMs: TIMEOUT_MS });
  const names = code === 0 ? stdout.split("\n").map((line) => line.trim()) : [];
  return names.filter(Boolean).join(", ") || undefined;
}

async function fromWebGpu(): Promise<string | undefined> {
  try {
    const { gpu } = (globalThis as { navigator?: { gpu?: Gpu } }).navigator ?? {};
    const info = gpu && (await answerWithin(gpu.requestAdapter(), TIMEOUT_MS, ""))?.info;
    return [info?.vendor, info?.architecture, info?.description].filter(Boolean).join(" ") || undefined;
  } catch {
    return undefined;
  }
}
