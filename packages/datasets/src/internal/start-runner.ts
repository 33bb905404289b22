import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { Augmentation } from "@acr/core";
import type { FaceRunner } from "./face-task.js";
import { type DecoderName, requireHere } from "./image-decoder.js";
import { PixelLoader } from "./load-pixels.js";
import { LocalRunner } from "./local-runner.js";
import { ThreadRunner } from "./thread-runner.js";

/** Fewer faces than this are done sooner than threads start. */
const WORTH_THREADS = 48;

/** Options of `startRunner`. */
export interface RunnerOptions {
  augment?: Augmentation;
  /** Threads; 0 works on the main one. Default: up to 2 where there is enough to do. */
  workers?: number;
  faceCount: number;
  decoder?: DecoderName;
}

/** Threads where they pay, else this thread. */
export function startRunner({ augment, workers, faceCount, decoder }: RunnerOptions): FaceRunner {
  const count = workers ?? (faceCount < WORTH_THREADS ? 0 : Math.min(2, availableParallelism()));
  const program = count > 0 ? programPath() : undefined;
  if (program === undefined) {
    const loader = new PixelLoader(decoder);
    const local = new LocalRunner((source) => loader.load(source), augment);
    return { drawsPixels: true, run: (task) => local.run(task), close: () => loader.close() };
  }
  // sharp's library must be loaded on the main thread before others use it.
  if (decoder !== "jimp") loadSharp();
  const module = augment?.module?.();
  return new ThreadRunner(program, count, {
    isAcrFaceWorker: true,
    ...(augment && module && { augmentation: { module, name: augment.name, options: augment.options } }),
    ...(decoder && { decoder }),
  });
}

/** The built entry `./worker`; `undefined` where the package was bundled into another file. */
function programPath(): string | undefined {
  try {
    const path = requireHere().resolve("@acr/datasets/worker");
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

function loadSharp(): void {
  try {
    requireHere()("sharp");
  } catch {
    // It is optional.
  }
}
