/**
 * Mean and covariance of weighted shapes seen one after the other, in memory that does not grow with their number.
 * Deviations are taken from the first shape: shapes of one frame are near each other, so nothing cancels.
 */
export class CovarianceSum {
  private readonly origin: Float64Array;
  private readonly sums: Float64Array;
  /** Upper triangle of Σ w d dᵀ, row-major. */
  private readonly products: Float64Array;
  private readonly deviation: Float64Array;
  private weightSum = 0;

  constructor(origin: ArrayLike<number>) {
    const length = origin.length;
    this.origin = Float64Array.from(origin);
    this.sums = new Float64Array(length);
    this.products = new Float64Array(length * length);
    this.deviation = new Float64Array(length);
  }

  add(shape: ArrayLike<number>, weight: number): void {
    const { deviation, origin, products, sums } = this;
    const length = origin.length;
    for (let q = 0; q < length; q++) {
      deviation[q] = shape[q]! - origin[q]!;
      sums[q]! += weight * deviation[q]!;
    }
    for (let p = 0; p < length; p++) {
      const value = weight * deviation[p]!;
      const row = p * length;
      for (let q = p; q < length; q++) products[row + q]! += value * deviation[q]!;
    }
    this.weightSum += weight;
  }

  mean(): Float64Array {
    return this.origin.map((value, q) => value + this.sums[q]! / this.weightSum);
  }

  /** Σ w (x − mean)(x − mean)ᵀ / divisor, all 2K × 2K of it. */
  covariance(divisor: number): Float64Array {
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
