import { BackendError } from "@acr/core";
import { currentWasmRuntime } from "./current-wasm-runtime.js";

const FLOAT_BYTES = 4;

/**
 * Estimates what a training step holds at its fullest moment, so that a batch that cannot fit fails before it starts. Maps are added in the
 * order of the way there: deferred ones are released on the way back; finished ones stay to the end of the step, with their gradients.
 */
export class StepMemory {
  private readonly maps: { bytes: number; isFinished: boolean }[] = [];
  private readonly checked = new WeakMap<object, number>();
  private bytesPerImage: number | undefined;

  /** Counts a feature map; unknown sides count as 1. */
  add(shape: readonly (number | null)[], kind: "deferred" | "finished"): void {
    const bytes = shape.slice(1).reduce<number>((product, side) => product * (side ?? 1), FLOAT_BYTES);
    this.maps.push({ bytes, isFinished: kind === "finished" });
    this.bytesPerImage = undefined;
  }

  /** Bytes of a step where it is fullest. */
  estimate(batchSize: number): number {
    this.bytesPerImage ??= fullestMoment(this.maps);
    return batchSize * this.bytesPerImage;
  }

  /** @throws {BackendError} the wasm memory cannot grow enough for a step of this batch. */
  check(batchSize: number): void {
    const runtime = currentWasmRuntime();
    if (!runtime || batchSize <= (this.checked.get(runtime) ?? 0)) return;
    const bytes = this.estimate(batchSize);
    if (!runtime.canHold(bytes)) {
      const gigabytes = (bytes / 2 ** 30).toFixed(1);
      const fitting = Math.floor((batchSize * 3 * 2 ** 30) / bytes);
      throw new BackendError(
        `optimizeForTraining: a training step with batch ${batchSize} needs about ${gigabytes} GB; the wasm backend holds at most 4 GB. Use a batch of ${fitting > 0 ? `at most ${fitting}` : "smaller images"}.`,
      );
    }
    this.checked.set(runtime, batchSize);
  }
}

function fullestMoment(maps: readonly { bytes: number; isFinished: boolean }[]): number {
  let held = maps.reduce((sum, { bytes }) => sum + bytes, 0);
  let most = 0;
  for (const { bytes, isFinished } of [...maps].reverse()) {
    if (isFinished) {
      held += bytes;
      most = Math.max(most, held);
    } else {
      // Its own gradient and that of what it was made of are in flight.
      most = Math.max(most, held + 2 * bytes);
      held -= bytes;
    }
  }
  return most;
}
