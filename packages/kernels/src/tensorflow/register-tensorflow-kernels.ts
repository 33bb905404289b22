import { BackendError } from "@acr/core";
import { backend as currentBackend, getBackend, type TensorInfo } from "@tensorflow/tfjs-core";
import { replaceKernels } from "../internal/replace-kernels.js";
import type { TrainingKernels } from "../register-training-kernels.js";
import { convolutionKernels } from "./convolution-kernels.js";
import { normGradients, normKernels } from "./norm-kernels.js";
import { outputShape } from "./output-shape.js";
import { reshapeKernel } from "./reshape-kernel.js";
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
  // Every other kernel goes through these, and what failed beside JavaScript is told when it is read.
  const methods = ["executeSingleOutput", "executeMultipleOutputs", "readSync"] as const;
  const own = backend as unknown as Record<(typeof methods)[number], (...args: never[]) => unknown>;
  const { executeSingleOutput } = own;
  // With the shape of its result an operation may run beside others.
  own.executeSingleOutput = (name: string, attributes: Attribute[], inputs: TensorInfo[]) => {
    const shape = outputShape(runtime, name, attributes, inputs);
    if (!shape) return executeSingleOutput.call(backend, ...([name, attributes, inputs] as never[]));
    return runtime.single(name, attributes, backend.getInputTensorIds(inputs), shape);
  };
  // What they say of too little memory gets a next step.
  for (const method of methods) {
    const original = own[method];
    own[method] = (...args) => {
      try {
        return original.apply(backend, args);
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
