/** Newton's steps rise to the root from below and double their digits near it. */
const MAX_STEPS = 100;
const ROUNDING = 1e-13;

/**
 * The point nearest to b, by plain distance, of the ellipsoid Σ x_i² / λ_i ≤ limit².
 *
 *   x_i = b_i λ_i / (λ_i + μ),  μ ≥ 0 such that the point lies on the rim;  x = b inside
 *
 * μ by Newton's method on 1/√(Σ b_i² λ_i / (λ_i + μ)²), which is concave and rising.
 */
export function nearestInEllipsoid(
  coefficients: Float64Array,
  variances: ArrayLike<number>,
  limit: number,
): Float64Array {
  let multiplier = 0;
  for (let step = 0; step < MAX_STEPS; step++) {
    let [squared, slope] = [0, 0];
    coefficients.forEach((b, i) => {
      const variance = variances[i]!;
      if (!(variance > 0)) return;
      const share = (b * b * variance) / (variance + multiplier) ** 2;
      squared += share;
      slope -= share / (variance + multiplier);
    });
    const distance = Math.sqrt(squared);
    if (distance <= limit * (1 + ROUNDING)) break;
    multiplier += ((1 / distance - 1 / limit) * distance ** 3) / slope;
  }
  // A mode without variance is limited to 0.
  return coefficients.map((b, i) => (variances[i]! > 0 ? (b * variances[i]!) / (variances[i]! + multiplier) : 0));
}
