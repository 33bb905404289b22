import { type GrayWindow, sampleGray } from "./gray-window.js";

/** Neighbours of each landmark along its contour; the normal stands on the line between them. */
export type Neighbours = readonly (readonly [number, number])[];

/** A contour is closed when its ends are no farther apart than this many of its steps. */
const CLOSED_STEPS = 1.75;

/** Neighbours from lists of landmarks that follow each other along a contour; others get those next by number. */
export function neighboursOf(mean: Float64Array, contours: readonly (readonly number[])[]): Neighbours {
  const count = mean.length / 2;
  const neighbours = Array.from({ length: count }, (_, k): readonly [number, number] => [
    Math.max(0, k - 1),
    Math.min(count - 1, k + 1),
  ]);
  const distance = (a: number, b: number) =>
    Math.hypot(mean[2 * a]! - mean[2 * b]!, mean[2 * a + 1]! - mean[2 * b + 1]!);
  for (const contour of contours) {
    if (contour.length < 2) continue;
    const steps = contour.slice(1).map((k, i) => distance(k, contour[i]!));
    const typical = steps.sort((a, b) => a - b)[steps.length >> 1]!;
    const isClosed = contour.length > 3 && distance(contour[0]!, contour.at(-1)!) <= CLOSED_STEPS * typical;
    contour.forEach((k, i) => {
      const before = contour[i - 1] ?? (isClosed ? contour.at(-1)! : k);
      const after = contour[i + 1] ?? (isClosed ? contour[0]! : k);
      neighbours[k] = [before, after];
    });
  }
  return neighbours;
}

/** Unit normals, flat; a landmark whose neighbours fall together gets the y axis. */
export function normalsOf(shape: ArrayLike<number>, neighbours: Neighbours): Float64Array {
  const normals = new Float64Array(shape.length);
  neighbours.forEach(([a, b], k) => {
    const dx = shape[2 * b]! - shape[2 * a]!;
    const dy = shape[2 * b + 1]! - shape[2 * a + 1]!;
    const length = Math.hypot(dx, dy);
    normals[2 * k] = length > 0 ? -dy / length : 0;
    normals[2 * k + 1] = length > 0 ? dx / length : 1;
  });
  return normals;
}

/** Derivatives of the grey level along a line through (x, y), at the offsets −reach … reach. */
export function derivativesAlong(
  image: GrayWindow,
  [x, y]: readonly [number, number],
  [dx, dy]: readonly [number, number],
  reach: number,
  result: Float64Array,
): void {
  let before = sampleGray(image, x - (reach + 0.5) * dx, y - (reach + 0.5) * dy);
  for (let i = -reach; i <= reach; i++) {
    const after = sampleGray(image, x + (i + 0.5) * dx, y + (i + 0.5) * dy);
    result[i + reach] = after - before;
    before = after;
  }
}

/** Divides a part of the derivatives by the sum of their sizes: light and contrast drop out. Flat places stay small. */
export function normalizedPart(derivatives: Float64Array, start: number, result: Float64Array): void {
  let sum = 4;
  for (let i = 0; i < result.length; i++) sum += Math.abs(derivatives[start + i]!);
  for (let i = 0; i < result.length; i++) result[i] = derivatives[start + i]! / sum;
}
