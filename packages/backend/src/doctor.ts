import { checkOptions, InvalidArgumentError } from "@acr/core";
import { FusedAdam, optimizeForTraining } from "@acr/kernels";
import {
  engine,
  getBackend,
  mean,
  randomUniform,
  type Scalar,
  setBackend,
  square,
  type Tensor,
  tidy,
  type Variable,
  variableGrads,
} from "@tensorflow/tfjs-core";
import { input, layers, model, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import { gpuName } from "./internal/gpu-name.js";
import { endWebGpu, runningBackend, setupBackend } from "./setup-backend.js";

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
}

const NAMES = ["tensorflow", "webgpu", "wasm", "cpu"];
const SIZE = 64;
const BATCH = 8;

/**
 * Tries every backend of this machine and measures how fast it trains a small net. Leaves the backend that was in use, and
 * webgpu as it was, so that a program of Node's can end.
 *
 * @throws {InvalidArgumentError} seconds is not a finite number >= 0.
 * @example (await doctor({ seconds: 3 })).backends.filter(({ available }) => available).map(({ name }) => name);
 */
export async function doctor(options: DoctorOptions = {}): Promise<Diagnosis> {
  checkOptions("doctor", options, ["seconds"]);
  const { seconds = 10 } = options;
  if (!Number.isFinite(seconds) || seconds < 0) {
    throw new InvalidArgumentError(`doctor: seconds must be a finite number >= 0; got ${seconds}.`);
  }
  let milliseconds = 1000 * seconds;
  const before = { name: getBackend(), info: runningBackend() };
  const hadWebGpu = "webgpu" in engine().registry;
  // What wasm was asked for, where it is in use, else what the environment says.
  const wideRegisters = before.info?.name === "wasm" ? before.info.wideRegisters !== undefined : undefined;
  const backends: BackendDiagnosis[] = [];
  for (const [i, name] of NAMES.entries()) {
    try {
      const { skipped, ...info } = await setupBackend({
        prefer: [name],
        wideRegisters: name === "wasm" ? wideRegisters : undefined,
      });
      const isSlow = name === "cpu" || (name === "webgpu" && !info.gpu);
      const begun = performance.now();
      const measured = await measureTraining(isSlow ? 1 : BATCH, milliseconds / (NAMES.length - i));
      milliseconds = Math.max(0, milliseconds - (performance.now() - begun));
      backends.push({
        available: true,
        ...info,
        ...(needsGpu(name) && !info.gpu && { note: "computes on the CPU: used only where it is asked for" }),
        ...measured,
      });
    } catch (error) {
      backends.push({ name, available: false, reason: (error as Error).message });
    }
  }
  if (before.info) await setupBackend({ prefer: [before.info.name], threads: before.info.threads, wideRegisters });
  else if (before.name) await setBackend(before.name);
  if (!hadWebGpu && "webgpu" in engine().registry && getBackend() !== "webgpu") endWebGpu();
  return {
    ...(typeof process !== "undefined" && { node: process.version, platform: `${process.platform}-${process.arch}` }),
    gpu: await gpuName(),
    chosen: backends.find(({ available, note }) => available && note === undefined)?.name,
    backends,
  };
}

/** Chosen by themselves only where they drive a graphics processor. */
const needsGpu = (name: string) => name === "tensorflow" || name === "webgpu";

/** Median milliseconds per image of a training step: three convolutions with normalisation. The first step is not counted. */
async function measureTraining(
  batch: number,
  milliseconds: number,
): Promise<{ millisecondsPerImage: number; steps: number }> {
  const image = input({ shape: [SIZE, SIZE, 3] });
  let x: SymbolicTensor = image;
  for (const filters of [8, 16, 32]) {
    x = layers
      .conv2d({ filters, kernelSize: 3, strides: 2, padding: "same", useBias: false })
      .apply(x) as SymbolicTensor;
    x = layers.reLU({ maxValue: 6 }).apply(layers.batchNormalization({}).apply(x) as SymbolicTensor) as SymbolicTensor;
  }
  const net = model({ inputs: image, outputs: layers.globalAveragePooling2d({}).apply(x) as SymbolicTensor });
  const fused = optimizeForTraining(net);
  const variables = net.trainableWeights.map((weight) => weight.read() as Variable);
  const adam = new FusedAdam();
  const times: number[] = [];
  const begun = performance.now();
  for (let i = 0; i < 2 || performance.now() - begun < milliseconds; i++) {
    const started = performance.now();
    const loss = tidy(() => {
      const pixels = randomUniform([batch, SIZE, SIZE, 3], -1, 1, "float32", i);
      const { value, grads } = variableGrads(
        () => mean(square(fused.apply(pixels, { training: true }) as Tensor)) as Scalar,
        variables,
      );
      adam.applyGradients(grads);
      return value;
    });
    await loss.data();
    loss.dispose();
    times.push((performance.now() - started) / batch);
  }
  adam.dispose();
  net.dispose();
  const sorted = times.slice(1).sort((a, b) => a - b);
  return { millisecondsPerImage: sorted[sorted.length >> 1]!, steps: sorted.length };
}
