/**
 * Why wasm's threads cannot work in this page, and what it lacks; undefined where they can. Both tfjs' and the kernels' are
 * workers made from a text, on shared memory.
 */
export async function whyNoThreads(): Promise<string | undefined> {
  if (!globalThis.crossOriginIsolated)
    return "this page is not cross-origin isolated (headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp)";
  if (!(await mayStartWorkers()))
    return "this page may not start workers from blob: (header Content-Security-Policy: worker-src blob:)";
  return undefined;
}

async function mayStartWorkers(): Promise<boolean> {
  const url = URL.createObjectURL(new Blob(["postMessage(0)"], { type: "text/javascript" }));
  let worker: Worker | undefined;
  try {
    return await new Promise((resolve) => {
      worker = new Worker(url);
      worker.onmessage = () => resolve(true);
      worker.onerror = () => resolve(false);
    });
  } catch {
    return false;
  } finally {
    worker?.terminate();
    URL.revokeObjectURL(url);
  }
}
