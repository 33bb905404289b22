/**
 * Mean and scatter matrix of shapes seen one after the other, in memory that does not grow with their number.
 * Deviations are taken from the first shape: shapes of one frame are near each other, so nothing cancels.
 */
export class Scatter {
  count = 0;
  private readonly origin: Float64Array;
  private readonly sums: Float64Array;
  /** Upper triangle of Σ d dᵀ, row-major. */
  private readonly products: Float64Array;
  private readonly deviation: Float64Array;

  constructor(origin: Float64Array) {
    const length = origin.length;
    this.origin = origin.slice();
    this.sums = new Float64Array(length);
    this.products = new Float64Array(length * length);
    this.deviation = new Float64Array(length);
  }

  add(shape: ArrayLike<number>): void {
    const { deviation, origin, products, sums } = this;
    const length = origin.length;
    for (let q = 0; q < length; q++) {
      deviation[q] = shape[q]! - origin[q]!;
      sums[q]! += deviation[q]!;
    }
    for (let p = 0; p < length; p++) {
      const value = deviation[p]!;
      const row = p * length;
      for (let q = p; q < length; q++) products[row + q]! += value * deviation[q]!;
    }
    this.count++;
  }

  mean(): Float64Array {
    return this.origin.map((value, q) => value + this.sums[q]! / this.count);
  }

  /** Σ (x − mean)(x − mean)ᵀ / (n − 1), all 2K × 2K of it. */
  covariance(): Float64Array {
    const length = this.origin.length;
    const result = new Float64Array(length * length);
    for (let p = 0; p < length; p++) {
      for (let q = p; q < length; q++) {
        const about = this.products[p * length + q]! - (this.sums[p]! * this.sums[q]!) / this.count;
        result[p * length + q] = about / (this.count - 1);
        result[q * length + p] = result[p * length + q]!;
      }
    }
    return result;
  }
}
