import { parentPort, workerData } from "node:worker_threads";
import type { Augmentation } from "@acr/core";
import type { FaceOutcome, FaceTask } from "./internal/face-task.js";
import { PixelLoader } from "./internal/load-pixels.js";
import { describeFailure, LocalRunner } from "./internal/local-runner.js";
import type { WorkerSettings } from "./internal/thread-runner.js";

/**
 * The program of a loader's thread: takes lists of tasks, answers with lists of outcomes, whose pixels are transferred. It is
 * an entry of the package so that a thread can be started from any build; nothing in it is for other uses.
 */
function serve(): void {
  const { augmentation, decoder } = workerData as WorkerSettings;
  const loader = new PixelLoader(decoder);
  const runner = (async () => {
    let built: Augmentation | undefined;
    if (augmentation) {
      const { createAugmentation } = (await import(augmentation.module)) as {
        createAugmentation(record: { name: string; options: object }): Augmentation;
      };
      built = createAugmentation(augmentation);
    }
    return new LocalRunner((source) => loader.load(source), built);
  })();
  // A failure to start is told with the first task.
  runner.catch(() => {});
  let last: Promise<void> = Promise.resolve();
  parentPort?.on("message", (tasks: FaceTask[]) => {
    last = last.then(async () => {
      const outcomes: FaceOutcome[] = [];
      for (const task of tasks)
        outcomes.push(await runner.then((ready) => ready.run(task)).catch((error) => describeFailure(error)));
      // Several outcomes may share a buffer, and a buffer may be part of a pool: only whole ones are given away.
      const buffers = new Set<ArrayBuffer>();
      for (const { image } of outcomes as { image?: { data: Uint8Array } }[]) {
        if (image?.data.buffer instanceof ArrayBuffer && image.data.byteLength === image.data.buffer.byteLength)
          buffers.add(image.data.buffer);
      }
      parentPort?.postMessage(outcomes, [...buffers]);
    });
  });
}

// On the main thread, e.g. where a bundler lists all entries, it does nothing.
if (parentPort && (workerData as WorkerSettings | undefined)?.isAcrFaceWorker) serve();
