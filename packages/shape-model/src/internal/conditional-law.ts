import { CholeskyDecomposition, Matrix } from "ml-matrix";
import type { PointModel } from "../point-model.js";

/** The law of unseen coordinates given seen ones; see `fillMissing` for the formulas. */
export class ConditionalLaw {
  private readonly mean: Float64Array;
  private readonly seen: readonly number[];
  private readonly unseen: readonly number[];
  private readonly noiseVariance: number;
  /** Modes at the seen and the unseen coordinates, and the factored A; absent without modes. */
  private readonly parts:
    | { shown: Matrix | undefined; hidden: Matrix | undefined; factor: CholeskyDecomposition }
    | undefined;

  constructor(
    model: PointModel,
    options: { modes: number; noiseVariance: number; seen: readonly number[]; unseen: readonly number[] },
  ) {
    const { modes, noiseVariance, seen, unseen } = options;
    this.mean = model.mean;
    this.seen = seen;
    this.unseen = unseen;
    this.noiseVariance = noiseVariance;
    if (modes === 0) return;
    const used = model.modes.slice(0, modes);
    // ml-matrix has no empty matrices.
    const columns = (coordinates: readonly number[]) =>
      coordinates.length === 0 ? undefined : new Matrix(used.map((mode) => coordinates.map((q) => mode[q]!)));
    const shown = columns(seen);
    const precision = Matrix.diag(used.map((_, i) => noiseVariance / model.eigenvalues[i]!));
    if (shown) precision.add(shown.mmul(shown.transpose()));
    this.parts = { shown, hidden: columns(unseen), factor: new CholeskyDecomposition(precision) };
  }

  /** The shape with unseen coordinates at their mean, and what the model expects of the seen ones themselves. */
  fill(shape: ArrayLike<number>): { filled: Float64Array; expected: Float64Array } {
    const filled = Float64Array.from(shape);
    const expected = this.mean.slice();
    for (const q of this.unseen) filled[q] = this.mean[q]!;
    const { shown, hidden, factor } = this.parts ?? {};
    if (shown && factor) {
      const deviations = Matrix.columnVector(this.seen.map((q) => shape[q]! - this.mean[q]!));
      const coefficients = factor.solve(shown.mmul(deviations));
      const own = shown.transpose().mmul(coefficients);
      for (const [i, q] of this.seen.entries()) expected[q]! += own.get(i, 0);
      const others = hidden?.transpose().mmul(coefficients);
      for (const [i, q] of this.unseen.entries()) filled[q]! += others?.get(i, 0) ?? 0;
    }
    for (const q of this.unseen) expected[q] = filled[q]!;
    return { filled, expected };
  }

  /** Covariance of the unseen coordinates, row by row. */
  covariance(): Float64Array[] {
    const { hidden, factor } = this.parts ?? {};
    const spread = hidden && factor && hidden.transpose().mmul(factor.solve(hidden));
    return this.unseen.map((_, p) =>
      Float64Array.from(this.unseen, (_, q) => {
        const noise = p === q ? this.noiseVariance : 0;
        return noise + this.noiseVariance * (spread?.get(p, q) ?? 0);
      }),
    );
  }
}
