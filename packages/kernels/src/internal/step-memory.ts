import { BackendError } from "@acr/core";
import { currentWasmRuntime } from "./current-wasm-runtime.js";

const FLOAT_BYTES = 4;

/** Estimates what a training step holds at its peak, so that a batch that cannot fit fails before it starts. */
export class StepMemory {
  private bytesPerImage = 0;
  private largest = 0;
  private readonly checked = new WeakMap<object, number>();

  /** Counts a feature map; unknown sides count as 1. */
  add(shape: readonly (number | null)[], copies: number): void {
    const bytes = shape.slice(1).reduce<number>((product, side) => product * (side ?? 1), FLOAT_BYTES);
    this.bytesPerImage += copies * bytes;
    this.largest = Math.max(this.largest, bytes);
  }

  /** Bytes of a step: all maps that wait for their gradient, and the gradients in flight at the largest one. */
  estimate(batchSize: number): number {
    return batchSize * (this.bytesPerImage + 2 * this.largest);
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
