import { madd } from "./simd";

/**
 * e⁻ˣ of four values to about 1e-7, x clamped to ±87: 2ⁿ times a polynomial on ±ln 2 / 2 (Cephes' expf, by S. L. Moshier).
 * Adding 1.5 · 2²³ rounds n to an integer and leaves it in the low bits, from where a shift makes it an exponent.
 */
// @ts-ignore: decorator
@inline
function exponentialOfNegative(x: v128): v128 {
  const clamped = f32x4.pmin(f32x4.pmax(x, f32x4.splat(-87)), f32x4.splat(87));
  const shifted = madd(clamped, f32x4.splat(-1.44269504088896341), f32x4.splat(12582912));
  const n = f32x4.sub(shifted, f32x4.splat(12582912));
  // ln 2 in two parts, so that r, which is −(−x − n ln 2), keeps its last digits.
  const r = madd(n, f32x4.splat(-2.12194440e-4), madd(n, f32x4.splat(0.693359375), clamped));
  let p = madd(f32x4.splat(-1.9875691500e-4), r, f32x4.splat(1.3981999507e-3));
  p = madd(p, r, f32x4.splat(-8.3334519073e-3));
  p = madd(p, r, f32x4.splat(4.1665795894e-2));
  p = madd(p, r, f32x4.splat(-1.6666665459e-1));
  p = madd(p, r, f32x4.splat(5.0000001201e-1));
  p = madd(p, f32x4.mul(r, r), f32x4.sub(f32x4.splat(1), r));
  // A product, not a sum of exponents: NaN stays NaN.
  return f32x4.mul(p, i32x4.add(i32x4.shl(shifted, 23), i32x4.splat(0x3f800000)));
}

/** 1 / (1 + e⁻ˣ). */
// @ts-ignore: decorator
@inline
export function sigmoid(x: v128): v128 {
  return f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), exponentialOfNegative(x)));
}
