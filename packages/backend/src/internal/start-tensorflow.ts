import { BackendError } from "@acr/core";
import * as core from "@tensorflow/tfjs-core";
import { importNode } from "./import-node.js";
import { isNode } from "./is-node.js";
import { nodeModules } from "./node-modules.js";
import { packageUrl, resolvePackage } from "./resolve-tfjs-node.js";
import { readTensorFlowManifest, tensorFlowFolder } from "./tensorflow-folder.js";

const HINT = "Run acr backend install tensorflow (with --cuda for an NVIDIA GPU), or use wasm.";

/**
 * Registers the `tensorflow` backend, unless the application has done so: what `installTensorFlow` made, else an
 * installed tfjs-node. TensorFlow reads its settings once, so threads and GPU of the first start count.
 *
 * @throws {BackendError} neither is there, or it does not load.
 */
export async function startTensorFlow({ threads, gpu }: { threads?: number; gpu?: number }): Promise<void> {
  if ("tensorflow" in core.engine().registryFactory) return;
  if (!isNode()) throw new BackendError("tensorflow runs in Node only. Use wasm or webgpu.");
  const { TF_NUM_INTRAOP_THREADS, CUDA_DEVICE_ORDER, CUDA_VISIBLE_DEVICES } = process.env;
  setVariables({
    ...(threads !== undefined && { TF_NUM_INTRAOP_THREADS: String(threads) }),
    // CUDA numbers the fastest first unless it is told to count as nvidia-smi does.
    ...(gpu !== undefined && { CUDA_DEVICE_ORDER: "PCI_BUS_ID", CUDA_VISIBLE_DEVICES: String(gpu) }),
  });
  try {
    await load();
  } catch (error) {
    // The next try, and the programs that are started, must not see a choice that came to nothing.
    setVariables({ TF_NUM_INTRAOP_THREADS, CUDA_DEVICE_ORDER, CUDA_VISIBLE_DEVICES });
    throw error;
  }
}

function setVariables(values: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

async function load(): Promise<void> {
  const node = await nodeModules();
  const require = node.module.createRequire(packageUrl(node));
  const folder = await tensorFlowFolder();
  if (await readTensorFlowManifest(folder)) {
    try {
      (require(node.path.join(folder, "engine.cjs")) as (tf: typeof core) => void)(core);
      return;
    } catch (cause) {
      throw new BackendError(
        `tensorflow: what is installed in ${folder} does not start: ${(cause as Error).message} If that persists, run acr backend install tensorflow again.`,
        { cause },
      );
    }
  }
  const found = await resolvePackage();
  if (found.length === 0) throw new BackendError(`tensorflow is not installed. ${HINT}`);
  // Node 23 took away what tfjs-node uses, and Node 22 warns of it.
  const { default: util } = await importNode<{ default: Record<string, unknown> }>("node:util");
  util.isNullOrUndefined = (value: unknown) => value === null || value === undefined;
  util.isArray = Array.isArray;
  const reasons: string[] = [];
  for (const { path, name } of found) {
    try {
      require(path);
      return;
    } catch (error) {
      reasons.push(`${name}: ${(error as Error).message.split("\n")[0]}`);
    }
  }
  throw new BackendError(`tensorflow does not start (${reasons.join("; ")}). ${HINT}`);
}
