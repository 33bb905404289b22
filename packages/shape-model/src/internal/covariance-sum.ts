/** Shapes that are added to the products together; `flush` is written out for this many. */
const BLOCK = 4;

/**
 * Mean and covariance of weighted shapes seen one after the other, in memory that does not grow with their number.
 * Deviations are taken from a point near the mean, such as the mean of the first shapes, so that nothing cancels.
 */
export class CovarianceSum {
  private readonly origin: Float64Array;
  private readonly sums: Float64Array;
  /** Upper triangle of Σ w d dᵀ, row-major. */
  private readonly products: Float64Array;
  /** Deviations not yet in the sums, row by row; several at once pass over the products in one go. */
  private readonly block: Float64Array;
  private readonly weights = new Float64Array(BLOCK);
  private filled = 0;
  private weightSum = 0;

  constructor(origin: Float64Array) {
    const length = origin.length;
    this.origin = origin;
    this.sums = new Float64Array(length);
    this.products = new Float64Array(length * length);
    this.block = new Float64Array(BLOCK * length);
  }

  add(shape: ArrayLike<number>, weight: number): void {
    const { block, filled, origin, sums } = this;
    const length = origin.length;
    for (let q = 0, at = filled * length; q < length; q++, at++) {
      const deviation = shape[q]! - origin[q]!;
      block[at] = deviation;
      sums[q]! += weight * deviation;
    }
    this.weights[filled] = weight;
    this.weightSum += weight;
    this.filled++;
    if (this.filled === BLOCK) this.flush();
  }

  private flush(): void {
    const { block, products, weights } = this;
    const length = this.origin.length;
    // Rows left over from an earlier block count with weight 0.
    weights.fill(0, this.filled);
    const [w0, w1, w2, w3] = weights as unknown as [number, number, number, number];
    const [second, third, fourth] = [length, 2 * length, 3 * length];
    for (let p = 0; p < length; p++) {
      const v0 = w0 * block[p]!;
      const v1 = w1 * block[second + p]!;
      const v2 = w2 * block[third + p]!;
      const v3 = w3 * block[fourth + p]!;
      const row = p * length;
      for (let q = p; q < length; q++)
        products[row + q]! +=
          v0 * block[q]! + v1 * block[second + q]! + v2 * block[third + q]! + v3 * block[fourth + q]!;
    }
    this.filled = 0;
  }

  mean(): Float64Array {
    return this.origin.map((value, q) => value + this.sums[q]! / this.weightSum);
  }

  /** Σ w (x − mean)(x − mean)ᵀ / divisor, all 2K × 2K of it. */
  covariance(divisor: number): Float64Array {
    this.flush();
    const length = this.origin.length;
    const result = new Float64Array(length * length);
    for (let p = 0; p < length; p++) {
      for (let q = p; q < length; q++) {
        const about = this.products[p * length + q]! - (this.sums[p]! * this.sums[q]!) / this.weightSum;
        result[p * length + q] = about / divisor;
        result[q * length + p] = result[p * length + q]!;
      }
    }
    return result;
  }
}
