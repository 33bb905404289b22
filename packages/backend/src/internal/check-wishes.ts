import { BackendError, checkOptions, InvalidArgumentError, nearestNames } from "@acr/core";
import { engine } from "@tensorflow/tfjs-core";
import type { SetupBackendOptions } from "../setup-backend.js";
import { NO_GPU, type Wishes } from "./engine-start.js";
import { isNode } from "./is-node.js";

const BUILT_IN = ["tensorflow", "webgpu", "wasm", "cpu"];
/** The first two only where they drive a graphics processor. */
const ON_CPUS = ["wasm", "cpu"];
const BY_DEFAULT = ["tensorflow", "webgpu", ...ON_CPUS];
const MAXIMUM_THREADS = 64;
const MINIMUM_NODE = 20;
const DEFAULT_MAXIMUM_THREADS = 8;

/**
 * The options of `setupBackend` with what the environment and the machine say in place of those left out.
 *
 * @throws {BackendError} Node is too old, or the thread count is out of range.
 * @throws {InvalidArgumentError} an unknown backend or option.
 */
export async function checkWishes(options: SetupBackendOptions): Promise<Wishes & { prefer: readonly string[] }> {
  checkOptions("setupBackend", options, ["prefer", "threads", "gpu", "wideRegisters"]);
  if (isNode() && Number.parseInt(process.versions.node, 10) < MINIMUM_NODE) {
    throw new BackendError(
      `setupBackend: Node ${process.versions.node} is too old; expected Node >= ${MINIMUM_NODE}. Install a current one from nodejs.org.`,
    );
  }
  const gpu = options.gpu ?? gpuOfEnvironment();
  if (gpu !== undefined && !(Number.isInteger(gpu) && gpu >= NO_GPU)) {
    throw new InvalidArgumentError(
      `setupBackend: gpu must be an integer >= -1; got ${shown(gpu)}. nvidia-smi -L lists them.`,
    );
  }
  const wantsGpu = gpu !== undefined && gpu >= 0;
  const prefer = options.prefer ?? (wantsGpu ? ["tensorflow", "webgpu"] : await defaultPreference(gpu));
  if (options.gpu !== undefined && wantsGpu && !prefer.some((name) => name === "tensorflow" || name === "webgpu")) {
    throw new InvalidArgumentError(
      `setupBackend: gpu needs the tensorflow or the webgpu backend; got prefer ${prefer.join(", ")}. Leave one of them out.`,
    );
  }
  const threads = options.threads ?? (await defaultThreads());
  if (!Number.isInteger(threads) || threads < 1 || threads > MAXIMUM_THREADS) {
    throw new BackendError(
      `setupBackend: threads must be an integer from 1 to ${MAXIMUM_THREADS}; got ${shown(threads)}. Leave it out for the cores of this machine.`,
    );
  }
  const wideRegisters = options.wideRegisters ?? wantsWideRegisters();
  if (typeof wideRegisters !== "boolean") {
    throw new InvalidArgumentError(`setupBackend: wideRegisters must be true or false; got ${shown(wideRegisters)}.`);
  }
  if (options.wideRegisters && !prefer.includes("wasm")) {
    throw new InvalidArgumentError(
      `setupBackend: wideRegisters needs the wasm backend; got prefer ${prefer.join(", ")}. Leave one of them out.`,
    );
  }
  const known = [...new Set([...BUILT_IN, ...Object.keys(engine().registryFactory)])];
  if (prefer.length === 0) {
    throw new InvalidArgumentError(`setupBackend: prefer must name a backend; valid names: ${known.join(", ")}.`);
  }
  for (const name of prefer) {
    if (!known.includes(name)) {
      throw new InvalidArgumentError(
        `setupBackend: unknown backend "${name}"; did you mean ${nearestNames(name, known, 1)[0]}? Valid names: ${known.join(", ")}.`,
      );
    }
  }
  return { prefer, threads, gpu, wideRegisters, isDefault: options.prefer === undefined };
}

/** A value in a message: "2" is no 2. */
const shown = (value: unknown) => (typeof value === "string" ? JSON.stringify(value) : String(value));

/** `ACR_GPU`, so that a choice reaches every process that a program starts. */
function gpuOfEnvironment(): number | undefined {
  const text = isNode() ? process.env.ACR_GPU : undefined;
  if (!text) return undefined;
  if (!/^(-1|\d+)$/.test(text)) {
    throw new InvalidArgumentError(
      `setupBackend: the environment variable ACR_GPU must be an integer >= -1; got "${text}". nvidia-smi -L lists them.`,
    );
  }
  return Number(text);
}

/** `ACR_WIDE_REGISTERS`, for the same reason. */
function wantsWideRegisters(): boolean {
  const text = (isNode() && process.env.ACR_WIDE_REGISTERS) || "0";
  if (text !== "0" && text !== "1") {
    throw new InvalidArgumentError(
      `setupBackend: the environment variable ACR_WIDE_REGISTERS must be 1 or 0; got "${text}".`,
    );
  }
  return text === "1";
}

/** TensorFlow is worth its start where it drives a GPU; on CPUs wasm is as fast. */
async function defaultPreference(gpu: number | undefined): Promise<string[]> {
  if (gpu === NO_GPU) return ON_CPUS;
  const others = BY_DEFAULT.filter((name) => name !== "tensorflow");
  if (!isNode()) return others;
  const { readTensorFlowManifest, tensorFlowFolder } = await import("./tensorflow-folder.js");
  const manifest = await readTensorFlowManifest(await tensorFlowFolder()).catch(() => undefined);
  if (manifest) return manifest.cuda ? BY_DEFAULT : others;
  const { resolvePackage } = await import("./resolve-tfjs-node.js");
  return (await resolvePackage(["@tensorflow/tfjs-node-gpu"])).length > 0 ? BY_DEFAULT : others;
}

async function defaultThreads(): Promise<number> {
  const { physicalCores } = await import("./physical-cores.js");
  return Math.min(DEFAULT_MAXIMUM_THREADS, await physicalCores());
}
