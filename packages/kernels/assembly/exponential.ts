import { madd } from "./simd";

// Constants of the exponential, as scalars: a loop over many values makes its vectors of them in front, with
// `constant(E0, unknown())` and so on. V8 makes a vector that it knows anew in every step of a loop, which takes Node 24 and
// later more time than the rest. They travel as arguments: to hand down `hidden` alone and make each where it is used is as
// fast on Node 20, but takes swish's gradient up to 1.5 times as long on Node 24, and 2.2 times where it joins to 256 bits.
export const E0: f32 = -87;
export const E1: f32 = 87;
export const E2: f32 = -1.44269504088896341;
/** 1.5 · 2²³ */
export const E3: f32 = 12582912;
// ln 2 in two parts, so that r, which is −(−x − n ln 2), keeps its last digits.
export const E4: f32 = -2.12194440e-4;
export const E5: f32 = 0.693359375;
export const E6: f32 = -1.9875691500e-4;
export const E7: f32 = 1.3981999507e-3;
export const E8: f32 = -8.3334519073e-3;
export const E9: f32 = 4.1665795894e-2;
export const E10: f32 = -1.6666665459e-1;
export const E11: f32 = 5.0000001201e-1;
export const E12: f32 = 1;

/** 0, as only the running program finds out: a memory has at most 2¹⁶ pages. */
// @ts-ignore: decorator
@inline
export function unknown(): i32 {
  return memory.size() >> 20;
}

/** Four times a value, which no compiler knows when `hidden` comes from `unknown`. */
// @ts-ignore: decorator
@inline
export function constant(value: f32, hidden: i32): v128 {
  return i32x4.splat(reinterpret<i32>(value) ^ hidden);
}

/**
 * e⁻ˣ of four values to about 1e-7, x clamped to ±87: 2ⁿ times a polynomial on ±ln 2 / 2 (Cephes' expf, by S. L. Moshier).
 * Adding 1.5 · 2²³ rounds n to an integer and leaves it in the low bits, from where a shift makes it an exponent.
 */
// @ts-ignore: decorator
@inline
function exponentialOfNegative(
  x: v128, e0: v128, e1: v128, e2: v128, e3: v128, e4: v128, e5: v128, e6: v128, e7: v128, e8: v128, e9: v128, e10: v128, e11: v128, e12: v128,
): v128 {
  const clamped = f32x4.pmin(f32x4.pmax(x, e0), e1);
  const shifted = madd(clamped, e2, e3);
  const n = f32x4.sub(shifted, e3);
  const r = madd(n, e4, madd(n, e5, clamped));
  let p = madd(e6, r, e7);
  p = madd(p, r, e8);
  p = madd(p, r, e9);
  p = madd(p, r, e10);
  p = madd(p, r, e11);
  p = madd(p, f32x4.mul(r, r), f32x4.sub(e12, r));
  // A product, not a sum of exponents: NaN stays NaN. The bits of 1 are the exponent's offset.
  return f32x4.mul(p, i32x4.add(i32x4.shl(shifted, 23), e12));
}

/** 1 / (1 + e⁻ˣ), with the constants made before. */
// @ts-ignore: decorator
@inline
export function sigmoidWith(
  x: v128, e0: v128, e1: v128, e2: v128, e3: v128, e4: v128, e5: v128, e6: v128, e7: v128, e8: v128, e9: v128, e10: v128, e11: v128, e12: v128,
): v128 {
  return f32x4.div(e12, f32x4.add(e12, exponentialOfNegative(x, e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12)));
}

/** 1 / (1 + e⁻ˣ). */
// @ts-ignore: decorator
@inline
export function sigmoid(x: v128): v128 {
  return sigmoidWith(
    x, f32x4.splat(E0), f32x4.splat(E1), f32x4.splat(E2), f32x4.splat(E3), f32x4.splat(E4), f32x4.splat(E5),
    f32x4.splat(E6), f32x4.splat(E7), f32x4.splat(E8), f32x4.splat(E9), f32x4.splat(E10), f32x4.splat(E11), f32x4.splat(E12),
  );
}
