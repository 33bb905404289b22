/**
 * The ACR loss of four coordinates at a time, float32. Formulas and edges: src/acr-loss.ts. All addresses are in this
 * module's own memory; arrays are padded with zeros to a multiple of four.
 */

/** Constants in memory: one load each, a fifth less code than a vector constant at each use. Addresses below 4096 are taken. */
const TABLE = memory.data<f32>([
  1.1754943508222875e-38,
  2.8853900798033365,
  0.9617988388013771,
  0.5767151860815122,
  0.4317176961553908,
  12582912,
  0.6931472067028324,
  0.2402265092228873,
  0.05550327226670845,
  0.009618056678532438,
  0.0013400428177416548,
  0.0001546144469560549,
  2.0000000076817606,
  0.6666632164136741,
  0.40024595230995974,
  0.2796515774230488,
  0.28157778371257747,
  3.4028234663852886e38,
  1,
  2,
]);
const SMALLEST_NORMAL = 0;
const LOG2_0 = 1;
const LOG2_1 = 2;
const LOG2_2 = 3;
const LOG2_3 = 4;
const ROUNDER = 5;
const EXP2_1 = 6;
const EXP2_2 = 7;
const EXP2_3 = 8;
const EXP2_4 = 9;
const EXP2_5 = 10;
const EXP2_6 = 11;
const LOG1P_0 = 12;
const LOG1P_1 = 13;
const LOG1P_2 = 14;
const LOG1P_3 = 15;
const LOG1P_4 = 16;
const LARGEST = 17;
const ONE = 18;
const TWO = 19;

// @ts-ignore: decorator
@inline
function madd(a: v128, b: v128, c: v128): v128 {
  return f32x4.add(f32x4.mul(a, b), c);
}

// @ts-ignore: decorator
@inline
function constant(index: i32): v128 {
  return v128.load32_splat(TABLE + (<usize>index << 2));
}

/**
 * log₂ x, x normal; smaller ones and 0 are taken as the smallest normal number. With x = 2ⁿ·m, m in [√½, √2), and
 * s = (m − 1) / (m + 1): log₂ m = s · P(s²). P interpolates at the Chebyshev nodes, 7e-10 of its value off.
 */
// @ts-ignore: decorator
@inline
function log2(x: v128): v128 {
  const bits = f32x4.pmax(x, constant(SMALLEST_NORMAL));
  const n = i32x4.shr_s(i32x4.sub(bits, i32x4.splat(0x3f3504f3)), 23);
  const m = i32x4.sub(bits, i32x4.shl(n, 23));
  const s = f32x4.div(f32x4.sub(m, constant(ONE)), f32x4.add(m, constant(ONE)));
  const z = f32x4.mul(s, s);
  const low = madd(z, constant(LOG2_1), constant(LOG2_0));
  const high = madd(z, constant(LOG2_3), constant(LOG2_2));
  return madd(madd(f32x4.mul(z, z), high, low), s, f32x4.convert_i32x4_s(n));
}

/** 2ʸ, |y| <= 126: 2ⁿ · P(y − n), exactly 1 at 0, 3e-9 of its value off (Chebyshev nodes). */
// @ts-ignore: decorator
@inline
function exp2(y: v128): v128 {
  // Adding 1.5·2²³ rounds y to a whole number, which then stands in the lowest bits.
  const shifted = f32x4.add(y, constant(ROUNDER));
  const r = f32x4.sub(y, f32x4.sub(shifted, constant(ROUNDER)));
  const r2 = f32x4.mul(r, r);
  const p01 = madd(r, constant(EXP2_1), constant(ONE));
  const p23 = madd(r, constant(EXP2_3), constant(EXP2_2));
  const p45 = madd(r, constant(EXP2_5), constant(EXP2_4));
  const p456 = madd(r2, constant(EXP2_6), p45);
  const p = madd(f32x4.mul(r2, r2), p456, madd(r2, p23, p01));
  return i32x4.add(p, i32x4.shl(shifted, 23));
}

/** P with ln(1 + x) = s · P(s²), s = x / (2 + x), for x in [0, 1]; 4e-9 of its value off (Chebyshev nodes). */
// @ts-ignore: decorator
@inline
function log1pSeries(z: v128): v128 {
  const low = madd(z, constant(LOG1P_1), constant(LOG1P_0));
  const high = madd(z, constant(LOG1P_3), constant(LOG1P_2));
  const z2 = f32x4.mul(z, z);
  return madd(z2, madd(z2, constant(LOG1P_4), high), low);
}

/**
 * @param count - multiple of 4.
 * @param weights, values, slopes - 0 where there are none or none are wanted.
 * @param offsetByPhi, offset - C = offsetByPhi · Φ + offset.
 * @param slopeFactor - multiplies dl/dΔ: scale, and 1 / count for a mean.
 * @returns the sum of the weighted values.
 */
export function acr(
  count: i32,
  predictions: usize,
  targets: usize,
  phis: usize,
  weights: usize,
  values: usize,
  slopes: usize,
  lambda: f32,
  scale: f32,
  offsetByPhi: f32,
  offset: f32,
  slopeFactor: f32,
): f64 {
  const lambda4 = f32x4.splat(lambda);
  const scale4 = f32x4.splat(scale);
  const offsetByPhi4 = f32x4.splat(offsetByPhi);
  const offset4 = f32x4.splat(offset);
  const slopeFactor4 = f32x4.splat(slopeFactor);
  let sum = f64x2.splat(0);
  const bytes = <usize>count << 2;
  for (let i: usize = 0; i < bytes; i += 16) {
    const p = v128.load(predictions + i);
    const t = v128.load(targets + i);
    const phi = f32x4.pmin(f32x4.pmax(v128.load(phis + i), f32x4.splat(0)), constant(ONE));
    const e = f32x4.sub(p, t);
    // 0 for finite inputs, NaN for the others, so that the limits below do not hide them.
    const poison = f32x4.add(f32x4.sub(p, p), f32x4.sub(t, t));
    const delta = f32x4.add(f32x4.pmin(f32x4.mul(f32x4.abs(e), scale4), constant(LARGEST)), poison);

    // pmin and pmax give their first argument where that is NaN.
    const power = exp2(f32x4.mul(f32x4.sub(constant(ONE), phi), log2(f32x4.pmin(delta, constant(ONE)))));
    const full = f32x4.mul(power, f32x4.pmin(delta, constant(ONE)));
    // One division for s = x / (2 + x), where ln(1 + x) = 2 (s + s³/3 + …), and for 1 / (1 + x).
    const above1 = f32x4.add(full, constant(ONE));
    const above2 = f32x4.add(above1, constant(ONE));
    const inverse = f32x4.div(constant(ONE), f32x4.mul(above1, above2));
    const s = f32x4.mul(f32x4.mul(full, above1), inverse);
    const small = f32x4.mul(f32x4.mul(log1pSeries(f32x4.mul(s, s)), s), lambda4);
    const smallSlope = f32x4.mul(
      f32x4.mul(f32x4.mul(f32x4.sub(constant(TWO), phi), power), f32x4.mul(above2, inverse)),
      lambda4,
    );

    const isSmall = f32x4.le(delta, constant(ONE));
    const large = f32x4.add(f32x4.mul(delta, delta), madd(phi, offsetByPhi4, offset4));
    let value = f32x4.pmin(v128.bitselect(small, large, isSmall), constant(LARGEST));
    let factor = slopeFactor4;
    if (weights) {
      const weight = v128.load(weights + i);
      value = f32x4.pmin(f32x4.mul(value, weight), constant(LARGEST));
      factor = f32x4.mul(factor, weight);
    }
    sum = f64x2.add(sum, f64x2.add(
      f64x2.promote_low_f32x4(value),
      f64x2.promote_low_f32x4(i8x16.shuffle(value, value, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)),
    ));
    if (values) v128.store(values + i, value);
    if (slopes) {
      const magnitude = f32x4.pmin(v128.bitselect(smallSlope, f32x4.add(delta, delta), isSmall), constant(LARGEST));
      const limited = f32x4.pmin(f32x4.mul(magnitude, factor), constant(LARGEST));
      const signed = v128.xor(limited, v128.and(e, i32x4.splat(0x80000000)));
      v128.store(slopes + i, v128.andnot(signed, f32x4.eq(e, f32x4.splat(0))));
    }
  }
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}
