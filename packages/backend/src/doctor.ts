import { checkOptions, InvalidArgumentError, nearestNames } from "@acr/core";
import { builtPackage, diagnoseApart } from "./internal/diagnose-apart.js";
import { diagnoseHere } from "./internal/diagnose-here.js";
import { NO_GPU } from "./internal/gpu-name.js";
import { isNode } from "./internal/is-node.js";
import { runningBackend } from "./setup-backend.js";

/** One backend of this machine. */
export interface BackendDiagnosis {
  name: string;
  available: boolean;
  /** Why not, and what to do. */
  reason?: string;
  version?: string;
  threads?: number;
  simd?: boolean;
  relaxedSimd?: boolean;
  /** Whether wasm uses 256-bit registers, where that was asked for. */
  wideRegisters?: boolean;
  /** Whether it computes on a graphics processor. */
  gpu?: boolean;
  description?: string;
  /** Why it is used only where it is asked for. */
  note?: string;
  /** Measured: one training step of a small net, per image. */
  millisecondsPerImage?: number;
  /** Of how many steps that is the median. */
  steps?: number;
}

/** What `doctor` found. */
export interface Diagnosis {
  node?: string;
  platform?: string;
  /** Name of the graphics processor (`nvidia-smi`, else WebGPU's adapter), or `"none found"`. */
  gpu: string;
  /** The backend `setupBackend()` would choose. */
  chosen?: string;
  backends: BackendDiagnosis[];
}

/** How `doctor` measures. */
export interface DoctorOptions {
  /** Seconds for all measurements together, >= 0: backends that work share what is left. Each takes one step at least. Default 10. */
  seconds?: number;
  /** Which to try: `"tensorflow"`, `"webgpu"`, `"wasm"`, `"cpu"`. Default: all. */
  backends?: readonly string[];
  /** Seconds that one backend may take beside its measurement, > 0, before it is given up. Only in processes of their own. Default 60. */
  limitSeconds?: number;
  /**
   * Tries them in this process. A driver that blocks then blocks it for ever. Default: false in Node, where each backend
   * gets a process of its own; always so in browsers, and in a bundle that is not installed beside `@acr/backend`.
   */
  inThisProcess?: boolean;
}

const NAMES = ["tensorflow", "webgpu", "wasm", "cpu"];

/**
 * Tries every backend of this machine and measures how fast it trains a small net. The backend in use stays in use.
 *
 * In Node each backend is tried in a process of its own, which is ended where it does not answer: a driver that blocks or
 * aborts is one more reason why a backend is not available.
 *
 * @throws {InvalidArgumentError} an option is out of range or unknown.
 * @example (await doctor({ seconds: 3 })).backends.filter(({ available }) => available).map(({ name }) => name);
 */
export async function doctor(options: DoctorOptions = {}): Promise<Diagnosis> {
  checkOptions("doctor", options, ["seconds", "backends", "limitSeconds", "inThisProcess"]);
  const { seconds = 10, backends: names = NAMES, limitSeconds = 60, inThisProcess = false } = options;
  if (!Number.isFinite(seconds) || seconds < 0)
    throw new InvalidArgumentError(`doctor: seconds must be a finite number >= 0; got ${seconds}.`);
  if (!Number.isFinite(limitSeconds) || limitSeconds <= 0)
    throw new InvalidArgumentError(`doctor: limitSeconds must be a finite number > 0; got ${limitSeconds}.`);
  for (const name of names) {
    if (!NAMES.includes(name))
      throw new InvalidArgumentError(
        `doctor: unknown backend "${name}"; did you mean ${nearestNames(name, NAMES, 1)[0]}? Valid names: ${NAMES.join(", ")}.`,
      );
  }
  const url = isNode() && !inThisProcess ? await builtPackage() : undefined;
  const { gpu, backends } = await (url === undefined
    ? diagnoseHere(names, 1000 * seconds)
    : diagnoseAllApart(names, url, { milliseconds: 1000 * seconds, timeoutMs: 1000 * limitSeconds }));
  return {
    ...(isNode() && { node: process.version, platform: `${process.platform}-${process.arch}` }),
    gpu,
    chosen: backends.find(({ available, note }) => available && note === undefined)?.name,
    backends,
  };
}

/** One after another, for they would take each other's cores. */
async function diagnoseAllApart(
  names: readonly string[],
  url: string,
  { milliseconds, timeoutMs }: { milliseconds: number; timeoutMs: number },
): Promise<Pick<Diagnosis, "gpu" | "backends">> {
  const running = runningBackend();
  const wideRegisters = running?.name === "wasm" ? running.wideRegisters !== undefined : undefined;
  const found: Pick<Diagnosis, "gpu" | "backends">[] = [];
  let left = milliseconds;
  for (const [i, name] of names.entries()) {
    const share = left / (names.length - i);
    const diagnosis = await diagnoseApart(name, url, { milliseconds: share, wideRegisters, timeoutMs });
    if (diagnosis.backends[0]!.available) left -= share;
    found.push(diagnosis);
  }
  return {
    gpu: found.map(({ gpu }) => gpu).find((gpu) => gpu !== NO_GPU) ?? NO_GPU,
    backends: found.flatMap(({ backends }) => backends),
  };
}
