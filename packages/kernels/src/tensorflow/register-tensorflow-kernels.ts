import { BackendError } from "@acr/core";
import { backend as currentBackend, getBackend, type TensorInfo } from "@tensorflow/tfjs-core";
import { replaceKernels } from "../internal/replace-kernels.js";
import type { TrainingKernels } from "../register-training-kernels.js";
import { convolutionKernels } from "./convolution-kernels.js";
import { normGradients, normKernels } from "./norm-kernels.js";
import { outputShape, reshapeKernel } from "./output-shape.js";
import {
  type Attribute,
  asMemoryFault,
  currentTensorFlowRuntime,
  setTensorFlowRuntime,
  type TensorFlowBackend,
  TensorFlowRuntime,
} from "./tensorflow-runtime.js";

const REGISTRATIONS = new WeakMap<TensorFlowRuntime, TrainingKernels>();

/**
 * `registerTrainingKernels` on the `tensorflow` backend of tfjs-node, without a promise: normalisation, activations and
 * Adam's step as TensorFlow's own operations. Called twice, it returns what it started first.
 *
 * @throws {BackendError} another backend is in use.
 * @example
 * import { registerTensorFlowKernels } from "@acr/kernels/tensorflow";
 * await tf.setBackend("tensorflow");
 * const kernels = registerTensorFlowKernels();
 */
export function registerTensorFlowKernels(): TrainingKernels {
  if (getBackend() !== "tensorflow" || !("binding" in currentBackend())) {
    throw new BackendError(
      `registerTensorFlowKernels: the current backend must be tensorflow (tfjs-node); got ${getBackend() || "none"}. Call tf.setBackend("tensorflow") first.`,
    );
  }
  const backend = currentBackend() as TensorFlowBackend;
  const existing = currentTensorFlowRuntime();
  if (existing) return REGISTRATIONS.get(existing)!;
  const runtime = new TensorFlowRuntime(backend);
  const kernels = { ...normKernels(runtime), ...convolutionKernels(runtime), ...reshapeKernel(runtime) };
  const restore = replaceKernels("tensorflow", kernels, normGradients);
  // Every other kernel goes through these two: what they say of too little memory gets a next step.
  const methods = ["executeSingleOutput", "executeMultipleOutputs", "readSync"] as const;
  const guarded = backend as unknown as Record<(typeof methods)[number], (...args: unknown[]) => unknown>;
  for (const method of methods) {
    const original = guarded[method];
    guarded[method] = function (this: unknown, ...args) {
      try {
        if (method === "executeSingleOutput") {
          const [name, attributes, inputs] = args as [string, Attribute[], TensorInfo[]];
          const shape = outputShape(runtime, name, attributes, inputs);
          if (shape)
            return runtime.tensor(runtime.execute(name, attributes, backend.getInputTensorIds(inputs), 1, [shape])[0]!);
        }
        return original.apply(this, args);
      } catch (error) {
        throw asMemoryFault(error, backend.isUsingGpuDevice);
      }
    };
  }
  setTensorFlowRuntime(backend, runtime);
  let undone: Promise<void> | undefined;
  const registration: TrainingKernels = {
    variant: backend.isUsingGpuDevice ? "tensorflow-gpu" : "tensorflow-cpu",
    threads: 1,
    failure: undefined,
    undo: () => {
      undone ??= (async () => {
        setTensorFlowRuntime(backend, undefined);
        restore();
        // What hides the prototype's methods.
        for (const method of methods) Reflect.deleteProperty(backend, method);
        runtime.dispose();
      })();
      return undone;
    },
  };
  REGISTRATIONS.set(runtime, registration);
  return registration;
}
