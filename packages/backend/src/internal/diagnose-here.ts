import { engine, getBackend, setBackend } from "@tensorflow/tfjs-core";
import type { BackendDiagnosis, Diagnosis } from "../doctor.js";
import { runningBackend, setupBackend } from "../setup-backend.js";
import { gpuName } from "./gpu-name.js";
import { measureTraining } from "./measure-training.js";
import { endWebGpu } from "./start-web-gpu-engine.js";

const BATCH = 8;

/** Chosen by themselves only where they drive a graphics processor. */
const needsGpu = (name: string) => name === "tensorflow" || name === "webgpu";

/**
 * Starts and measures backends in this process, one after another; puts the one in use back, and webgpu as it was, so that
 * a program of Node's can end.
 */
export async function diagnoseHere(
  names: readonly string[],
  milliseconds: number,
): Promise<Pick<Diagnosis, "gpu" | "backends">> {
  const before = { name: getBackend(), info: runningBackend() };
  const hadWebGpu = "webgpu" in engine().registry;
  // What wasm was asked for, where it is in use, else what the environment says.
  const wideRegisters = before.info?.name === "wasm" ? before.info.wideRegisters !== undefined : undefined;
  const backends: BackendDiagnosis[] = [];
  let left = milliseconds;
  for (const [i, name] of names.entries()) {
    try {
      const { skipped, ...info } = await setupBackend({
        prefer: [name],
        wideRegisters: name === "wasm" ? wideRegisters : undefined,
      });
      const isSlow = name === "cpu" || (name === "webgpu" && !info.gpu);
      const begun = performance.now();
      const measured = await measureTraining(isSlow ? 1 : BATCH, left / (names.length - i));
      left = Math.max(0, left - (performance.now() - begun));
      backends.push({
        available: true,
        ...info,
        ...(needsGpu(name) && !info.gpu && { note: "computes on the CPU: used only where it is asked for" }),
        ...measured,
      });
    } catch (error) {
      // Of one backend that does not start, `setupBackend` keeps the reason as the cause.
      const { cause, message } = error as Error;
      backends.push({ name, available: false, reason: cause instanceof Error ? cause.message : message });
    }
  }
  if (before.info) await setupBackend({ prefer: [before.info.name], threads: before.info.threads, wideRegisters });
  else if (before.name) await setBackend(before.name);
  if (!hadWebGpu && "webgpu" in engine().registry && getBackend() !== "webgpu") endWebGpu();
  return { gpu: await gpuName(), backends };
}
