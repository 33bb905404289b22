import type { AugmentationDraw, LandmarkScheme } from "@acr/core";
import type { Batch } from "../batch.js";
import { BatchBuilder, type BatchInput } from "./batch-builder.js";

/** What `assembleBatches` needs. */
export interface AssembleOptions {
  scheme: LandmarkScheme;
  imageSize: number;
  /** Indices of the faces of each batch, in order. */
  batches: readonly (readonly number[])[];
  read(index: number): Promise<BatchInput>;
  draw(index: number): AugmentationDraw | undefined;
}

/** Faces asked for ahead of the batch in work: enough to keep threads busy, few enough to bound the memory. */
const AHEAD = 32;

/** Reads ahead, and gives the batches in order. */
export async function* assembleBatches({
  scheme,
  imageSize,
  batches,
  read,
  draw,
}: AssembleOptions): AsyncGenerator<Batch> {
  const order = batches.flat();
  const underWay = new Map<number, Promise<BatchInput>>();
  let asked = 0;
  let taken = 0;
  const askUpTo = (end: number) => {
    for (; asked < Math.min(end, order.length); asked++) {
      const face = read(order[asked]!);
      // A failure is reported when its face is due, not before.
      face.catch(() => {});
      underWay.set(asked, face);
    }
  };
  for (const indices of batches) {
    const builder = new BatchBuilder(scheme, indices.length, imageSize);
    for (const index of indices) {
      askUpTo(taken + AHEAD);
      const face = await underWay.get(taken)!;
      underWay.delete(taken++);
      builder.add(face, draw(index));
    }
    yield builder.done();
  }
}
