import { BackendError, checkOptions, InvalidArgumentError, nearestNames } from "@acr/core";
import { registerTrainingKernels, type TrainingKernels } from "@acr/kernels";
import {
  backend,
  engine,
  env,
  getBackend,
  ready,
  registerBackend,
  removeBackend,
  setBackend,
  version_core,
} from "@tensorflow/tfjs-core";
import { importNode } from "./internal/import-node.js";
import { whyNoThreads } from "./internal/why-no-threads.js";

/** Options of `setupBackend`. */
export interface SetupBackendOptions {
  /**
   * Backends to try, best first: `"tensorflow"`, `"webgpu"`, `"wasm"`, `"cpu"`, or one that the application registered.
   * Default: tensorflow where it, or tfjs-node-gpu, was installed with CUDA and sees a GPU, webgpu where its adapter is a
   * graphics processor, wasm, cpu; with `gpu` from 0 on only the first two.
   */
  prefer?: readonly string[];
  /**
   * Threads of wasm and tensorflow, 1 … 64. Default: the physical cores of this machine, at most 8. In a page that is not
   * cross-origin isolated always 1. TensorFlow keeps the number that it was started with.
   */
  threads?: number;
  /**
   * The NVIDIA GPU of tensorflow, from 0 on as `nvidia-smi` lists them; -1 for none. From 0 on it must be usable. On
   * webgpu 0 demands a graphics processor, for its adapters have no numbers.
   * Default: that of the environment variable `ACR_GPU`, else whatever TensorFlow finds.
   */
  gpu?: number;
  /**
   * Lets wasm use 256-bit registers where V8 can (Node >= 24 on x64 with AVX2): the same numbers bit for bit, faster. It
   * sets V8's flag `--experimental-wasm-revectorize`, which stays on and holds for all WebAssembly that this process
   * compiles from then on. Where the test at the start finds other bits or no gain, the usual build runs and
   * `description` says why. Needs `wasm` among the wanted backends. Default: whether the environment variable
   * `ACR_WIDE_REGISTERS` is `1`; backends other than wasm leave that alone.
   */
  wideRegisters?: boolean;
}

/** A backend that was not chosen, and why. */
export interface SkippedBackend {
  name: string;
  reason: string;
}

/** The backend in use. */
export interface BackendInfo {
  name: string;
  threads: number;
  simd: boolean;
  relaxedSimd: boolean;
  /** Whether wasm uses 256-bit registers, where that was asked for. */
  wideRegisters?: boolean;
  /** Whether it computes on a graphics processor. */
  gpu?: boolean;
  /** Free memory of the graphics processor in bytes when it was started, where its driver tells. */
  gpuMemoryBytes?: number;
  /** The largest tensor it can hold, in bytes, where there is a limit. */
  largestTensorBytes?: number;
  /** Version of tfjs. */
  version: string;
  /** One line for people. */
  description: string;
  /** Better backends that are not available here. */
  skipped: SkippedBackend[];
}

const BUILT_IN = ["tensorflow", "webgpu", "wasm", "cpu"];
/** The first two only where they drive a graphics processor. */
const ON_CPUS = ["wasm", "cpu"];
const BY_DEFAULT = ["tensorflow", "webgpu", ...ON_CPUS];
/** The `gpu` that stands for none. */
const NO_GPU = -1;
const MAXIMUM_THREADS = 64;
const MINIMUM_NODE = 20;
/** The first Node whose V8 joins 128-bit operations. */
const WIDE_NODE = 24;
const DEFAULT_MAXIMUM_THREADS = 8;

const isNode = () => typeof process !== "undefined" && process.versions?.node !== undefined;

/** What is running: a second call with the same wishes changes nothing, a failed one goes back to it. */
let running: { key: string; info: BackendInfo; kernels: TrainingKernels } | undefined;
/** Calls wait for each other: two engines starting at once would take each other's kernels. */
let queue: Promise<unknown> = Promise.resolve();
/** Whether the wasm backend was started here, so that its memory can be shared with threads. */
let ownsThreadedWasm = false;

/** What `setupBackend` started last, if that is still in use. For `doctor`, which puts it back. */
export const runningBackend = (): BackendInfo | undefined =>
  running && getBackend() === running.info.name ? running.info : undefined;

/**
 * Starts the best backend of this machine that can train, and registers the training kernels.
 *
 * `tensorflow` is what `installTensorFlow` made, or an installed tfjs-node: by default only where it drives a GPU, as
 * `webgpu`, whose software drivers are far slower than `wasm`. `wasm`
 * with threads in Node and in pages that are cross-origin isolated, with one thread elsewhere and where the runtime has no SIMD; `cpu` (very slow, for tests) where `wasm` is not installed.
 * Tensors of a backend that is running already stay alive: asked again with another number of threads, the same backend
 * goes on with that number. A `wasm` backend that the application started itself is used as it is, with one thread.
 *
 * @throws {BackendError} none of the wanted backends works, or the thread count is out of range; the message says why
 *   for each; `cause` is the error of the only one, or an `AggregateError`. The backend that was in use stays in use.
 * @throws {InvalidArgumentError} an unknown backend or option.
 * @example
 * const { description } = await setupBackend({ threads: 2 });
 * console.log(description); // "wasm, 2 threads, relaxed SIMD"
 */
export function setupBackend(options: SetupBackendOptions = {}): Promise<BackendInfo> {
  const result = queue.then(() => setUp(options));
  queue = result.catch(() => undefined);
  return result;
}

async function setUp(options: SetupBackendOptions): Promise<BackendInfo> {
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
  const key = JSON.stringify([prefer, threads, gpu, wideRegisters]);
  const isAlive = running?.kernels.failure === undefined;
  if (running?.key === key && isAlive && getBackend() === running.info.name) return running.info;

  const registered = new Set(Object.keys(engine().registryFactory));
  const previous = { name: getBackend(), running, registered };
  await running?.kernels.undo();
  running = undefined;
  const skipped: SkippedBackend[] = [];
  const causes: unknown[] = [];
  for (const name of prefer) {
    try {
      const { info, kernels } = await start(name, {
        threads,
        gpu,
        wideRegisters,
        isDefault: options.prefer === undefined,
      });
      running = { key, info: { ...info, skipped }, kernels };
      return running.info;
    } catch (error) {
      skipped.push({ name, reason: (error as Error).message });
      causes.push(error);
    }
  }
  await goBack(previous);
  throw new BackendError(
    `setupBackend: no backend works here. ${skipped.map(({ name, reason }) => `${name}: ${reason}`).join(" ")}`,
    { cause: causes.length === 1 ? causes[0] : new AggregateError(causes) },
  );
}

async function goBack(previous: {
  name: string;
  running: typeof running;
  registered: ReadonlySet<string>;
}): Promise<void> {
  if (!previous.name) {
    // tfjs is to choose by itself, as it would have before: what was refused is its last choice, unless the program had brought it along.
    for (const [name, entry] of Object.entries(engine().registryFactory))
      if (!previous.registered.has(name)) entry.priority = 0;
    Object.assign(engine(), { backendName: null, backendInstance: null });
    return;
  }
  await setBackend(previous.name);
  if (!previous.running) return;
  const { threads, wideRegisters = false } = previous.running.info;
  running = { ...previous.running, kernels: await registerTrainingKernels({ threads, wideRegisters }) };
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
  const { readTensorFlowManifest, tensorFlowFolder } = await import("./internal/tensorflow-folder.js");
  const manifest = await readTensorFlowManifest(await tensorFlowFolder()).catch(() => undefined);
  if (manifest) return manifest.cuda ? BY_DEFAULT : others;
  const { resolvePackage } = await import("./internal/resolve-tfjs-node.js");
  return (await resolvePackage(["@tensorflow/tfjs-node-gpu"])).length > 0 ? BY_DEFAULT : others;
}

async function defaultThreads(): Promise<number> {
  const { physicalCores } = await import("./internal/physical-cores.js");
  return Math.min(DEFAULT_MAXIMUM_THREADS, await physicalCores());
}

type Started = { info: Omit<BackendInfo, "skipped">; kernels: TrainingKernels };

interface Wishes {
  threads: number;
  gpu: number | undefined;
  wideRegisters: boolean;
  /** Whether the user left the choice to us. */
  isDefault: boolean;
}

async function start(name: string, wishes: Wishes): Promise<Started> {
  if (name === "wasm") return startWasm(wishes);
  if (name === "tensorflow") return startTensorFlowEngine(wishes);
  if (name === "webgpu") return startWebGpuEngine(wishes);
  if (name === "cpu") await install("cpu", () => import("@tensorflow/tfjs-backend-cpu"));
  await activate(name);
  const kernels = await registerTrainingKernels();
  const description = name === "cpu" ? "cpu (plain JavaScript, slow)" : name;
  return {
    info: { name, threads: 1, simd: false, relaxedSimd: false, version: version_core, description },
    kernels,
  };
}

/** What TensorFlow was started with; it reads these once. */
let tensorFlowStart: { threads: number; gpu: number | undefined } | undefined;

async function startTensorFlowEngine({ threads, gpu, isDefault }: Wishes): Promise<Started> {
  const { startTensorFlow } = await import("./internal/start-tensorflow.js");
  if (tensorFlowStart && gpu !== undefined && gpu !== tensorFlowStart.gpu) {
    throw new BackendError(
      `tensorflow keeps the GPU it was started with (${tensorFlowStart.gpu ?? "all of them"}); got ${gpu}. Start a new process for another one.`,
    );
  }
  // Asked before TensorFlow takes what it wants.
  const { gpuMemory } = await import("./internal/gpu-memory.js");
  const gpuMemoryBytes = gpu === NO_GPU ? undefined : await gpuMemory({ index: gpu });
  await startTensorFlow({ threads, gpu });
  tensorFlowStart ??= { threads, gpu };
  const { threads: ownThreads } = tensorFlowStart;
  await activate("tensorflow");
  const { isUsingGpuDevice = false, binding } = backend() as unknown as TensorFlowBackend;
  if (!isUsingGpuDevice && (isDefault || (gpu !== undefined && gpu >= 0))) {
    throw new BackendError(
      `tensorflow sees no GPU${gpu === undefined ? "" : ` ${gpu}`} here. Look at nvidia-smi -L and run acr backend install tensorflow --cuda; without a GPU leave out gpu.`,
    );
  }
  const kernels = await registerTrainingKernels();
  const version = binding?.TF_Version ?? "of unknown version";
  const device = isUsingGpuDevice ? "GPU" : `CPU, ${ownThreads} thread${ownThreads === 1 ? "" : "s"}`;
  return {
    info: {
      name: "tensorflow",
      threads: ownThreads,
      gpu: isUsingGpuDevice,
      ...(isUsingGpuDevice && gpuMemoryBytes !== undefined && { gpuMemoryBytes }),
      simd: true,
      relaxedSimd: false,
      version: version_core,
      description: `tensorflow ${version}, ${device}`,
    },
    kernels,
  };
}

async function startWebGpuEngine({ gpu, isDefault }: Wishes): Promise<Started> {
  const { startWebGpu } = await import("./internal/start-web-gpu.js");
  const adapter = await startWebGpu({ gpu, isDefault: isDefault && gpu === undefined });
  let kernels = await activateWebGpu();
  if (kernels.failure !== undefined) {
    await kernels.undo();
    forgetBackend("webgpu");
    kernels = await activateWebGpu();
    if (kernels.failure !== undefined) {
      await kernels.undo();
      throw new BackendError(`${kernels.failure}, and a new one too. Start a new process or page.`);
    }
  }
  return {
    info: {
      name: "webgpu",
      threads: 1,
      gpu: !adapter.isSoftware,
      ...(adapter.largestTensorBytes !== undefined && { largestTensorBytes: adapter.largestTensorBytes }),
      simd: false,
      relaxedSimd: false,
      version: version_core,
      description: `webgpu, ${adapter.name}${adapter.isSoftware ? " (a software driver, slow)" : ""}`,
    },
    kernels,
  };
}

async function activateWebGpu(): Promise<TrainingKernels> {
  await activate("webgpu");
  const kernels = await registerTrainingKernels();
  // A device that was lost earlier says so at once.
  await Promise.resolve();
  return kernels;
}

/** Drops a backend whose device was lost, with what it held, so that the next start asks for a new device. */
function forgetBackend(name: string): void {
  const { factory, priority } = engine().registryFactory[name]!;
  removeBackend(name);
  registerBackend(name, factory, priority);
}

/** Ends webgpu with its device, once another backend is in use: Dawn does not let a program end while there is a device. */
export function endWebGpu(): void {
  const { device } = engine().registry.webgpu as unknown as { device: { destroy(): void } };
  forgetBackend("webgpu");
  device.destroy();
}

/** What is read of tfjs-node's backend. */
interface TensorFlowBackend {
  isUsingGpuDevice?: boolean;
  binding?: { TF_Version?: string };
}

async function startWasm({ threads, wideRegisters }: Wishes): Promise<Started> {
  await install("wasm", () => import("@tensorflow/tfjs-backend-wasm"));
  // Asked here, for tfjs' own start would print what its compiler says, and tell no reason.
  if (typeof WebAssembly === "undefined") {
    throw new BackendError(
      "this runtime has no WebAssembly. Start Node without --jitless, or allow it in the browser.",
    );
  }
  // tfjs' threaded build needs SIMD; without, tfjs loads a build of its own, and the kernels are the scalar ones.
  const simd = await env().getAsync("WASM_HAS_SIMD_SUPPORT").then(Boolean);
  // A started backend holds tensors: it is kept.
  const isStarted = "wasm" in engine().registry;
  let release = async () => {};
  if (isNode() && !isStarted && simd) {
    if (process.versions.node.startsWith("20.")) {
      // Node 20 has relaxed SIMD behind a flag, which must be set before the module is compiled.
      const { setFlagsFromString } = await importNode<typeof import("node:v8")>("node:v8");
      setFlagsFromString("--experimental-wasm-relaxed-simd");
    }
    const { startThreadedWasm } = await import("./internal/start-threaded-wasm.js");
    release = await startThreadedWasm(threads);
    ownsThreadedWasm = true;
  }
  // Pages get shared memory from tfjs itself.
  const pageLacks = isNode() || !simd ? undefined : await whyNoThreads();
  if (!isNode() && !isStarted) {
    const { setThreadsCount } = await import("@tensorflow/tfjs-backend-wasm");
    setThreadsCount(threads);
    // It would wait for its workers forever.
    if (pageLacks) env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  }
  await activate("wasm");
  await release();
  const tooOld = wideRegisters ? await joinOperations() : undefined;
  const kernels = await registerTrainingKernels({
    threads,
    wideRegisters: wideRegisters && tooOld === undefined,
  });
  const relaxedSimd = kernels.variant.includes("relaxed");
  const isWide = kernels.variant.endsWith("wide");
  const description = [
    "wasm",
    `${kernels.threads} thread${kernels.threads === 1 ? "" : "s"}`,
    simd ? (relaxedSimd ? "relaxed SIMD" : "SIMD") : "no SIMD",
    ...(isWide ? ["256 bits"] : wideRegisters ? [`no 256 bits: ${tooOld ?? kernels.wideRefusal}`] : []),
    ...(isNode() && simd && !ownsThreadedWasm ? ["no threads: the application had started this backend"] : []),
    ...(pageLacks ? [pageLacks] : []),
    ...(!isNode() && simd && !pageLacks && kernels.threads < threads
      ? [
          "no threads: tfjs runs another build than its threaded one (setWasmPaths must name a folder with its three .wasm files)",
        ]
      : []),
  ].join(", ");
  return {
    info: {
      name: "wasm",
      threads: kernels.threads,
      simd,
      relaxedSimd,
      ...(wideRegisters && { wideRegisters: isWide }),
      version: version_core,
      description,
    },
    kernels,
  };
}

/**
 * Lets V8 join pairs of 128-bit operations in what it compiles from now on. The flag must stay: V8 compiles a function well
 * only after it has run for a while.
 *
 * @returns why not, if so. A browser has its own flags: the kernels' test finds out.
 */
async function joinOperations(): Promise<string | undefined> {
  if (!isNode()) return undefined;
  if (Number.parseInt(process.versions.node, 10) < WIDE_NODE)
    return `needs Node >= ${WIDE_NODE}, this is ${process.versions.node}`;
  if (process.arch !== "x64") return `needs an x64 processor, this is ${process.arch}`;
  const { setFlagsFromString } = await importNode<typeof import("node:v8")>("node:v8");
  setFlagsFromString("--experimental-wasm-revectorize");
  return undefined;
}

/** Loads a backend's package, which registers it. */
async function install(name: string, load: () => Promise<unknown>): Promise<void> {
  try {
    await load();
  } catch (cause) {
    throw new BackendError(
      `@tensorflow/tfjs-backend-${name} is not installed. Run npm i @tensorflow/tfjs-backend-${name}.`,
      { cause },
    );
  }
}

async function activate(name: string): Promise<void> {
  if (!(await setBackend(name))) throw new BackendError(`the ${name} backend did not start.`);
  await ready();
}
