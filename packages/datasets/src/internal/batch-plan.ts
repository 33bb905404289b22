import type { Random } from "@acr/core";

/** Indices of the faces of each batch of a pass. */
export function batchPlan(
  length: number,
  {
    batchSize,
    order,
    dropRemainder,
    firstBatch = 0,
  }: { batchSize: number; order: Random | undefined; dropRemainder: boolean; firstBatch?: number },
): number[][] {
  const faces = order ? order.permutation(length) : Uint32Array.from({ length }, (_, i) => i);
  const count = dropRemainder ? Math.floor(length / batchSize) : Math.ceil(length / batchSize);
  const batches: number[][] = [];
  for (let b = firstBatch; b < count; b++) batches.push([...faces.subarray(b * batchSize, (b + 1) * batchSize)]);
  return batches;
}
