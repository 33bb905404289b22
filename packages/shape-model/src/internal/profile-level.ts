import { CholeskyDecomposition, Matrix } from "ml-matrix";
import type { GrayWindow } from "./gray-window.js";
import { derivativesAlong, type Neighbours, normalizedPart, normalsOf } from "./profile.js";

/** Statistics of the profiles of one resolution: K means and K inverse covariances, one after the other. */
export interface ProfileLevel {
  means: Float64Array;
  precisions: Float64Array;
}

/** The profile's covariance gets this share of its mean variance on the diagonal, so that it can be inverted. */
const RIDGE = 0.05;

/** A landmark in the pixels of a level: pixel p lies at 2p + 0.5 one level finer. */
export const atLevel = (shape: ArrayLike<number>, k: number, scale: number) =>
  [(shape[2 * k]! + 0.5) / scale - 0.5, (shape[2 * k + 1]! + 0.5) / scale - 0.5] as const;

/** Learns the profiles of one resolution from one face after the other. */
export class ProfileSum {
  private count = 0;
  private readonly sums: Float64Array;
  /** Lower triangles. */
  private readonly products: Float64Array;
  private readonly size: number;

  constructor(
    private readonly scale: number,
    private readonly neighbours: Neighbours,
    private readonly reach: number,
  ) {
    this.size = 2 * reach + 1;
    this.sums = new Float64Array(neighbours.length * this.size);
    this.products = new Float64Array(neighbours.length * this.size * this.size);
  }

  add(window: GrayWindow, shape: ArrayLike<number>): void {
    const { size, sums, products, reach } = this;
    const derivatives = new Float64Array(size);
    const part = new Float64Array(size);
    const normals = normalsOf(shape, this.neighbours);
    this.count++;
    for (let k = 0; k < this.neighbours.length; k++) {
      const normal = [normals[2 * k]!, normals[2 * k + 1]!] as const;
      derivativesAlong(window, atLevel(shape, k, this.scale), normal, reach, derivatives);
      normalizedPart(derivatives, 0, part);
      for (let p = 0; p < size; p++) {
        const value = part[p]!;
        sums[k * size + p]! += value;
        const row = (k * size + p) * size;
        for (let q = 0; q <= p; q++) products[row + q]! += value * part[q]!;
      }
    }
  }

  finish(): ProfileLevel {
    const { size, products, count } = this;
    const means = this.sums.map((sum) => sum / count);
    const precisions = new Float64Array(products.length);
    for (let k = 0; k < this.neighbours.length; k++) {
      const covariance = Matrix.zeros(size, size);
      for (let p = 0; p < size; p++)
        for (let q = 0; q <= p; q++) {
          const value = products[(k * size + p) * size + q]! / count - means[k * size + p]! * means[k * size + q]!;
          covariance.set(p, q, value);
          covariance.set(q, p, value);
        }
      const ridge = (RIDGE * covariance.trace()) / size + 1e-9;
      const inverse = new CholeskyDecomposition(covariance.add(Matrix.eye(size).mul(ridge))).solve(Matrix.eye(size));
      precisions.set(inverse.to1DArray(), k * size * size);
    }
    return { means, precisions };
  }
}

/** Squared Mahalanobis distance of a profile of landmark k; the precision is symmetric, so half of it is read. */
export function profileDistance(part: Float64Array, { means, precisions }: ProfileLevel, k: number): number {
  const size = part.length;
  let sum = 0;
  for (let i = 0; i < size; i++) {
    const di = part[i]! - means[k * size + i]!;
    const row = (k * size + i) * size;
    let half = 0.5 * precisions[row + i]! * di;
    for (let j = 0; j < i; j++) half += precisions[row + j]! * (part[j]! - means[k * size + j]!);
    sum += 2 * di * half;
  }
  return sum;
}
