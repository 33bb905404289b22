import { BackendError } from "@acr/core";
import {
  type GradConfig,
  getGradient,
  getKernel,
  type KernelConfig,
  type KernelFunc,
  registerGradient,
  registerKernel,
  unregisterGradient,
  unregisterKernel,
} from "@tensorflow/tfjs-core";

/** What kernels of all backends are to tfjs; `undefined` hands the case to the kernel that was there before. */
type PartialKernel = (call: never) => ReturnType<KernelFunc> | undefined;

/**
 * Puts kernels before those that a backend has, and registers gradients.
 *
 * @returns puts back what was there.
 */
export function replaceKernels(
  backendName: string,
  kernels: Record<string, PartialKernel>,
  gradients: readonly GradConfig[],
): () => void {
  const replaced: { name: string; before: KernelConfig | undefined }[] = [];
  for (const [name, kernel] of Object.entries(kernels)) {
    const before = getKernel(name, backendName);
    if (before) unregisterKernel(name, backendName);
    const kernelFunc: KernelFunc = (call) => {
      const result = kernel(call as never) ?? before?.kernelFunc(call);
      if (result !== undefined) return result;
      const other = backendName === "tensorflow" ? "cpu" : "tensorflow";
      throw new BackendError(
        `${name}: this case is not supported on the ${backendName} backend. Use another backend, e.g. ${other}.`,
      );
    };
    registerKernel({ kernelName: name, backendName, setupFunc: before?.setupFunc, kernelFunc });
    replaced.push({ name, before });
  }
  const replacedGradients = gradients.map((gradient) => {
    const before = getGradient(gradient.kernelName);
    registerGradient(gradient);
    return { name: gradient.kernelName, before };
  });
  return () => {
    for (const { name, before } of replacedGradients) {
      unregisterGradient(name);
      if (before) registerGradient(before);
    }
    for (const { name, before } of replaced) {
      unregisterKernel(name, backendName);
      if (before) registerKernel(before);
    }
  };
}
