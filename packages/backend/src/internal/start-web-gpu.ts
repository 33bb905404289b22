import { BackendError } from "@acr/core";
import { engine } from "@tensorflow/tfjs-core";
import { answerWithin } from "./answer-within.js";
import { isNode } from "./is-node.js";
import { type AdapterInfo, describeAdapter, NO_ADAPTER, NO_PACKAGE, softwareReason } from "./web-gpu-adapter.js";
import { webGpuDoubt } from "./web-gpu-doubt.js";

const ADAPTER_TIMEOUT_MS = 60_000;

interface Adapter {
  limits?: { maxBufferSize: number; maxStorageBufferBindingSize: number };
  info?: AdapterInfo;
}
interface Gpu {
  requestAdapter(): Promise<Adapter | null>;
}

/** The adapter that `webgpu` computes on. */
export interface WebGpuAdapter {
  /** For people, e.g. `google swiftshader SwiftShader driver 5.0.0`. */
  name: string;
  /** Whether it computes on the CPU. */
  isSoftware: boolean;
  /** Of one buffer that a program reads or writes. */
  largestTensorBytes: number | undefined;
}

/** A package by a name that bundlers do not follow: both are for Node alone, and optional. */
const importPackage = (name: string): Promise<unknown> => import(/* webpackIgnore: true */ /* @vite-ignore */ name);

const isAbsent = (error: unknown, name: string) =>
  /MODULE_NOT_FOUND/.test(String((error as { code?: string }).code)) && (error as Error).message.includes(`'${name}'`);

/**
 * Registers tfjs' webgpu backend in Node (Dawn, npm `webgpu`), or finds it registered in a browser.
 *
 * @param options.isDefault - nobody asked for it: only a graphics processor will do.
 * @throws {BackendError} what is missing, and how to get it.
 */
export async function startWebGpu({
  gpu,
  isDefault = false,
}: {
  gpu: number | undefined;
  isDefault?: boolean;
}): Promise<WebGpuAdapter> {
  const doubt = isNode() && isDefault ? await webGpuDoubt() : undefined;
  if (doubt !== undefined) throw new BackendError(doubt);
  const holder = globalThis as { navigator?: { gpu?: Gpu } };
  if (isNode() && !holder.navigator?.gpu) await startDawn();
  const web = holder.navigator?.gpu;
  if (!web) {
    throw new BackendError(
      "this browser has no WebGPU (navigator.gpu). Use a current Chrome, Edge, Firefox or Safari, and serve the page over https or from localhost.",
    );
  }
  const adapter = await answerWithin(
    web.requestAdapter(),
    ADAPTER_TIMEOUT_MS,
    `WebGPU's driver did not answer for ${ADAPTER_TIMEOUT_MS / 1000} seconds. Restart ${isNode() ? "this program" : "the browser"} or update the driver.`,
  );
  if (!adapter) {
    throw new BackendError(isNode() ? NO_ADAPTER : "WebGPU finds no graphics adapter. Look at chrome://gpu.");
  }
  const { name, isSoftware } = describeAdapter(adapter.info);
  if (isSoftware && isDefault) throw new BackendError(softwareReason(name));
  if (gpu !== undefined && gpu >= 0) {
    if (isSoftware) {
      throw new BackendError(
        `webgpu sees no GPU ${gpu} here, only ${name}, which computes on the CPU. Leave out gpu to use it.`,
      );
    }
    if (gpu > 0) {
      throw new BackendError(
        `WebGPU's adapters have no numbers; got gpu ${gpu}. In Node set ACR_WEBGPU_ADAPTER to a part of the adapter's name, and leave out gpu or pass 0.`,
      );
    }
  }
  if (!("webgpu" in engine().registryFactory)) {
    if (!isNode()) {
      throw new BackendError(
        "webgpu is not registered. Install @tensorflow/tfjs-backend-webgpu and import it in the page first.",
      );
    }
    try {
      await importPackage("@tensorflow/tfjs-backend-webgpu");
    } catch (cause) {
      if (!isAbsent(cause, "@tensorflow/tfjs-backend-webgpu")) throw cause;
      throw new BackendError(
        "@tensorflow/tfjs-backend-webgpu is not installed. Run npm i @tensorflow/tfjs-backend-webgpu.",
        { cause },
      );
    }
  }
  const { limits } = adapter;
  const largestTensorBytes = limits && Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize);
  return { name, isSoftware, largestTensorBytes };
}

/** `navigator.gpu` and WebGPU's classes, where tfjs looks for them. */
async function startDawn(): Promise<void> {
  let dawn: { create(flags: string[]): Gpu; globals: object };
  try {
    dawn = (await importPackage("webgpu")) as typeof dawn;
  } catch (cause) {
    if (isAbsent(cause, "webgpu")) throw new BackendError(NO_PACKAGE, { cause });
    const { message } = cause as Error;
    throw new BackendError(
      /GLIBC/.test(message)
        ? `this version of the package webgpu needs a newer C++ library (${message.split("\n")[0]}). Run npm i webgpu@0.4.0, which starts on Debian 12 and Ubuntu 22.04.`
        : `the package webgpu does not load: ${message.split("\n")[0]}. It has builds for Linux, macOS and Windows on x64, on macOS also arm64.`,
      { cause },
    );
  }
  Object.assign(globalThis, dawn.globals);
  const wanted = process.env.ACR_WEBGPU_ADAPTER;
  const gpu = dawn.create(wanted ? [`adapter=${wanted}`] : []);
  // Node 20 has no navigator.
  if (!("navigator" in globalThis)) Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
  Object.defineProperty(globalThis.navigator, "gpu", { value: gpu, configurable: true });
}
