import { backend, getBackend } from "@tensorflow/tfjs-core";

/** The running kernels of a kind of backend. By instance: a backend that is started again gets its own. */
export function runtimesOf<Runtime>(backendName: string) {
  const runtimes = new WeakMap<object, Runtime>();
  return {
    /** Those of the current backend, or `undefined` where it is another one or they are not registered. */
    current: (): Runtime | undefined => (getBackend() === backendName ? runtimes.get(backend()) : undefined),
    /** Remembers, or with `undefined` forgets, the kernels of a backend. */
    set: (of: object, runtime: Runtime | undefined): void => {
      if (runtime) runtimes.set(of, runtime);
      else runtimes.delete(of);
    },
  };
}
