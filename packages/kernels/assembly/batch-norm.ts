// Batch normalisation fused with the activation behind it. x is [M, C] with C divisible by 4. Sums run in float32
// over 32 rows and in float64 beyond, so that the variance of a million values keeps its digits.
import { constant, E0, E1, E2, E3, E4, E5, E6, E7, E8, E9, E10, E11, E12, sigmoidWith, unknown } from "./exponential";
import { at, madd, shareStart, WIDE, zero } from "./simd";

export const RELU: i32 = 1;
export const RELU6: i32 = 2;
const SWISH: i32 = 3;
const SIGMOID: i32 = 4;
const HARD_SWISH: i32 = 5;
const ROWS: i32 = 32;

// @ts-ignore: decorator
@inline
function activateWith(
  value: v128, activation: i32, e0: v128, e1: v128, e2: v128, e3: v128, e4: v128, e5: v128, e6: v128, e7: v128, e8: v128, e9: v128, e10: v128, e11: v128, e12: v128,
): v128 {
  if (activation == RELU6) return f32x4.pmin(f32x4.pmax(value, zero()), f32x4.splat(6));
  if (activation == SWISH) return f32x4.mul(value, sigmoidWith(value, e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12));
  if (activation == SIGMOID) return sigmoidWith(value, e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12);
  if (activation == HARD_SWISH) {
    const gate = f32x4.pmin(f32x4.pmax(f32x4.add(value, f32x4.splat(3)), zero()), f32x4.splat(6));
    return f32x4.mul(f32x4.mul(value, gate), f32x4.splat(1.0 / 6.0));
  }
  return activation == RELU ? f32x4.pmax(value, zero()) : value;
}

/** The gradient times the activation's slope at `value`; 0 at the corners of relu and relu6. */
// @ts-ignore: decorator
@inline
function gradientWith(
  gradient: v128, value: v128, activation: i32, e0: v128, e1: v128, e2: v128, e3: v128, e4: v128, e5: v128, e6: v128, e7: v128, e8: v128, e9: v128, e10: v128, e11: v128, e12: v128,
): v128 {
  if (activation == RELU6) return v128.and(gradient, v128.and(f32x4.gt(value, zero()), f32x4.lt(value, f32x4.splat(6))));
  if (activation == SWISH) {
    const s = sigmoidWith(value, e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12);
    return f32x4.mul(gradient, madd(f32x4.mul(value, s), f32x4.sub(f32x4.splat(1), s), s));
  }
  if (activation == SIGMOID) {
    const s = sigmoidWith(value, e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12);
    return f32x4.mul(gradient, f32x4.mul(s, f32x4.sub(f32x4.splat(1), s)));
  }
  if (activation == HARD_SWISH) {
    const middle = f32x4.mul(madd(value, f32x4.splat(2), f32x4.splat(3)), f32x4.splat(1.0 / 6.0));
    const slope = v128.bitselect(f32x4.splat(1), middle, f32x4.ge(value, f32x4.splat(3)));
    return v128.and(f32x4.mul(gradient, slope), f32x4.gt(value, f32x4.splat(-3)));
  }
  return activation == RELU ? v128.and(gradient, f32x4.gt(value, zero())) : gradient;
}

/** The activation of a few values. */
// @ts-ignore: decorator
@inline
export function activate(value: v128, activation: i32): v128 {
  return activateWith(
    value, activation, f32x4.splat(E0), f32x4.splat(E1), f32x4.splat(E2), f32x4.splat(E3), f32x4.splat(E4), f32x4.splat(E5),
    f32x4.splat(E6), f32x4.splat(E7), f32x4.splat(E8), f32x4.splat(E9), f32x4.splat(E10), f32x4.splat(E11), f32x4.splat(E12),
  );
}

/** The gradient of a few values. */
// @ts-ignore: decorator
@inline
export function activationGradient(gradient: v128, value: v128, activation: i32): v128 {
  return gradientWith(
    gradient, value, activation, f32x4.splat(E0), f32x4.splat(E1), f32x4.splat(E2), f32x4.splat(E3), f32x4.splat(E4), f32x4.splat(E5),
    f32x4.splat(E6), f32x4.splat(E7), f32x4.splat(E8), f32x4.splat(E9), f32x4.splat(E10), f32x4.splat(E11), f32x4.splat(E12),
  );
}

/** Bytes behind the sums of a thread where sums wait in float32; see `addPairs`. */
const WAITING: usize = 128;

/**
 * Adds two sums and two sums of squares or products, of eight channels, to their float64. In the wide build they go through
 * memory: V8 joins only what ends in neighbouring stores.
 */
// @ts-ignore: decorator
@inline
function addPairs(sums: usize, products: usize, waiting: usize, a: v128, a2: v128, b: v128, b2: v128): void {
  if (WIDE) {
    v128.store(waiting, a);
    v128.store(waiting, a2, 16);
    v128.store(waiting, b, 32);
    v128.store(waiting, b2, 48);
    a = v128.load(waiting);
    a2 = v128.load(waiting, 16);
    b = v128.load(waiting, 32);
    b2 = v128.load(waiting, 48);
  }
  addWide(sums, a);
  addWide(products, b);
  addWide(sums + 32, a2);
  addWide(products + 32, b2);
}

/** Adds four float32 to four float64. */
// @ts-ignore: decorator
@inline
function addWide(sums: usize, value: v128): void {
  v128.store(sums, f64x2.add(v128.load(sums), f64x2.promote_low_f32x4(value)));
  const high = v128.shuffle<i64>(value, value, 1, 1);
  v128.store(sums, f64x2.add(v128.load(sums, 16), f64x2.promote_low_f32x4(high)), 16);
}

/** Adds Σx and Σx² of `rows` rows to sums [2][C] float64. */
export function addSums(x: usize, rows: i32, C: i32, sums: usize): void {
  const squares = sums + (<usize>C << 3);
  const waiting = sums + (<usize>C << 4);
  const row = <usize>C << 2;
  for (let block = 0; block < rows; block += ROWS) {
    const end = min<i32>(ROWS, rows - block);
    let c = 0;
    // A whole cache line at a time: eight sums, each of which waits for itself alone.
    for (; c + 16 <= C; c += 16) {
      let p = at(x, block * C + c);
      let a = zero(), b = zero(), a2 = zero(), b2 = zero(), a3 = zero(), b3 = zero(), a4 = zero(), b4 = zero();
      for (let i = 0; i < end; i++) {
        let value = v128.load(p);
        a = f32x4.add(a, value);
        b = madd(value, value, b);
        value = v128.load(p, 16);
        a2 = f32x4.add(a2, value);
        b2 = madd(value, value, b2);
        value = v128.load(p, 32);
        a3 = f32x4.add(a3, value);
        b3 = madd(value, value, b3);
        value = v128.load(p, 48);
        a4 = f32x4.add(a4, value);
        b4 = madd(value, value, b4);
        p += row;
      }
      const sum = sums + (<usize>c << 3), square = squares + (<usize>c << 3);
      addPairs(sum, square, waiting, a, a2, b, b2);
      addPairs(sum + 64, square + 64, waiting + 64, a3, a4, b3, b4);
    }
    if (WIDE && c + 8 <= C) {
      let p = at(x, block * C + c);
      let a = zero(), b = zero(), a2 = zero(), b2 = zero();
      for (let i = 0; i < end; i++) {
        const value = v128.load(p), value2 = v128.load(p, 16);
        a = f32x4.add(a, value);
        b = madd(value, value, b);
        a2 = f32x4.add(a2, value2);
        b2 = madd(value2, value2, b2);
        p += row;
      }
      addPairs(sums + (<usize>c << 3), squares + (<usize>c << 3), waiting, a, a2, b, b2);
      c += 8;
    }
    for (; c < C; c += 4) {
      let p = at(x, block * C + c);
      let a = zero(), b = zero();
      for (let i = 0; i < end; i++) {
        const value = v128.load(p);
        a = f32x4.add(a, value);
        b = madd(value, value, b);
        p += row;
      }
      addWide(sums + (<usize>c << 3), a);
      addWide(squares + (<usize>c << 3), b);
    }
  }
}

/** The sums of thread `thread`: [2][C] float64, and behind them WAITING bytes of its own. */
// @ts-ignore: decorator
@inline
export function sumsOf(sums: usize, C: i32, thread: i32): usize {
  return sums + <usize>thread * ((<usize>C << 4) + WAITING);
}

/** Bytes of the sums of all threads. */
export function sumsSize(C: i32, threads: i32): i32 {
  return <i32>sumsOf(0, C, threads);
}

/** Each thread's sums of x and x² by channel; see `sumsOf`. */
export function normSums(x: usize, M: i32, C: i32, sums: usize, thread: i32, threads: i32): void {
  const own = sumsOf(sums, C, thread);
  memory.fill(own, 0, <usize>C << 4);
  const first = shareStart(M, 1, thread, threads);
  addSums(at(x, first * C), shareStart(M, 1, thread + 1, threads) - first, C, own);
}

/** Mean and (population) variance from the threads' sums. */
export function normMoments(sums: usize, parts: i32, M: i32, C: i32, mean: usize, variance: usize): void {
  for (let c = 0; c < C; c++) {
    let sum: f64 = 0, squares: f64 = 0;
    for (let t = 0; t < parts; t++) {
      const part = sumsOf(sums, C, t) + (<usize>c << 3);
      sum += f64.load(part);
      squares += f64.load(part + (<usize>C << 3));
    }
    sum /= M;
    f32.store(at(mean, c), <f32>sum);
    f32.store(at(variance, c), <f32>max<f64>(0, squares / M - sum * sum));
  }
}

/** factors [2][C]: scale γ/√(v + ε) and shift β − m · scale. */
export function normFactors(gamma: usize, beta: usize, mean: usize, variance: usize, epsilon: f32, C: i32, factors: usize): void {
  for (let c = 0; c < C; c++) {
    const scale = <f64>f32.load(at(gamma, c)) / sqrt<f64>(<f64>f32.load(at(variance, c)) + epsilon);
    f32.store(at(factors, c), <f32>scale);
    f32.store(at(factors, C + c), <f32>(<f64>f32.load(at(beta, c)) - <f64>f32.load(at(mean, c)) * scale));
  }
}

/** Both loads in front of both stores, or they are not joined. */
// @ts-ignore: decorator
@inline
function applyEight(
  from: usize, to: usize, scale: v128, scale2: v128, shift: v128, shift2: v128, activation: i32, e0: v128, e1: v128, e2: v128, e3: v128, e4: v128, e5: v128, e6: v128, e7: v128, e8: v128, e9: v128, e10: v128, e11: v128, e12: v128,
): void {
  const low = v128.load(from), high = v128.load(from, 16);
  const a = activateWith(madd(low, scale, shift), activation, e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12);
  const b = activateWith(madd(high, scale2, shift2), activation, e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12);
  v128.store(to, a);
  v128.store(to, b, 16);
}

// @ts-ignore: decorator
@inline
function applyRows(x: usize, y: usize, rows: i32, C: i32, factors: usize, activation: i32): void {
  const row = <usize>C << 2;
  const hidden = unknown();
  const e0 = constant(E0, hidden), e1 = constant(E1, hidden), e2 = constant(E2, hidden), e3 = constant(E3, hidden);
  const e4 = constant(E4, hidden), e5 = constant(E5, hidden), e6 = constant(E6, hidden), e7 = constant(E7, hidden);
  const e8 = constant(E8, hidden), e9 = constant(E9, hidden), e10 = constant(E10, hidden), e11 = constant(E11, hidden), e12 = constant(E12, hidden);
  let r = 0;
  // Four rows share the loads of scale and shift.
  for (; r + 4 <= rows; r += 4) {
    const p = at(x, r * C), q = at(y, r * C);
    let c: usize = 0;
    if (WIDE || activation == SWISH || activation == SIGMOID) {
      for (; c + 32 <= row; c += 32) {
        const scale = v128.load(factors + c), shift = v128.load(factors + row + c);
        const scale2 = v128.load(factors + c, 16), shift2 = v128.load(factors + row + c, 16);
        const from = p + c, to = q + c;
        applyEight(from, to, scale, scale2, shift, shift2, activation, e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12);
        applyEight(from + row, to + row, scale, scale2, shift, shift2, activation, e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12);
        applyEight(from + 2 * row, to + 2 * row, scale, scale2, shift, shift2, activation, e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12);
        applyEight(from + 3 * row, to + 3 * row, scale, scale2, shift, shift2, activation, e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12);
      }
    }
    for (; c < row; c += 16) {
      const scale = v128.load(factors + c), shift = v128.load(factors + row + c);
      const from = p + c, to = q + c;
      v128.store(to, activateWith(madd(v128.load(from), scale, shift), activation, e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12));
      v128.store(to + row, activateWith(madd(v128.load(from + row), scale, shift), activation, e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12));
      v128.store(to + 2 * row, activateWith(madd(v128.load(from + 2 * row), scale, shift), activation, e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12));
      v128.store(to + 3 * row, activateWith(madd(v128.load(from + 3 * row), scale, shift), activation, e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12));
    }
  }
  for (; r < rows; r++) {
    const p = at(x, r * C), q = at(y, r * C);
    for (let c: usize = 0; c < row; c += 16) {
      v128.store(q + c, activateWith(madd(v128.load(p + c), v128.load(factors + c), v128.load(factors + row + c)), activation, e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12));
    }
  }
}

/** y [rows, C] = activation(x · scale + shift); y may be x. */
export function activateRows(x: usize, y: usize, rows: i32, C: i32, factors: usize, activation: i32): void {
  // One loop for each activation: a constant there costs nothing inside.
  if (activation == RELU6) applyRows(x, y, rows, C, factors, RELU6);
  else if (activation == RELU) applyRows(x, y, rows, C, factors, RELU);
  else if (activation == SWISH) applyRows(x, y, rows, C, factors, SWISH);
  else if (activation == SIGMOID) applyRows(x, y, rows, C, factors, SIGMOID);
  else if (activation == HARD_SWISH) applyRows(x, y, rows, C, factors, HARD_SWISH);
  else applyRows(x, y, rows, C, factors, 0);
}

/** y [M, C] = activation(x · scale + shift) + residual (0: none). Threads share the rows. */
export function normApply(
  x: usize, y: usize, M: i32, C: i32, factors: usize, activation: i32, residual: usize, thread: i32, threads: i32,
): void {
  const last = shareStart(M, 1, thread + 1, threads);
  for (let r = shareStart(M, 1, thread, threads); r < last; r += ROWS) {
    const rows = min<i32>(ROWS, last - r);
    const out = at(y, r * C);
    activateRows(at(x, r * C), out, rows, C, factors, activation);
    if (residual) {
      const more = at(residual, r * C);
      let i = 0;
      if (WIDE) {
        for (; i + 8 <= rows * C; i += 8) {
          const p = at(out, i), q = at(more, i);
          const a = f32x4.add(v128.load(p), v128.load(q)), b = f32x4.add(v128.load(p, 16), v128.load(q, 16));
          v128.store(p, a);
          v128.store(p, b, 16);
        }
      }
      for (; i < rows * C; i += 4) v128.store(at(out, i), f32x4.add(v128.load(at(out, i)), v128.load(at(more, i))));
    }
  }
}

/** The gradient that comes in; that of a gated map whose mean made the gates is dy · gate + offset. */
// @ts-ignore: decorator
@inline
function incoming(dy: v128, gated: bool, gate: v128, offset: v128): v128 {
  return gated ? madd(dy, gate, offset) : dy;
}

// @ts-ignore: decorator
@inline
function passRows(
  x: usize, dy: usize, out: usize, mean: usize, rows: i32, C: i32, factors: usize, activation: i32, sums: usize, keep: bool,
  gated: bool, gates: usize, offsets: usize,
): void {
  const products = sums + (<usize>C << 3);
  const waiting = sums + (<usize>C << 4);
  const row = <usize>C << 2;
  const hidden = unknown();
  const e0 = constant(E0, hidden), e1 = constant(E1, hidden), e2 = constant(E2, hidden), e3 = constant(E3, hidden);
  const e4 = constant(E4, hidden), e5 = constant(E5, hidden), e6 = constant(E6, hidden), e7 = constant(E7, hidden);
  const e8 = constant(E8, hidden), e9 = constant(E9, hidden), e10 = constant(E10, hidden), e11 = constant(E11, hidden), e12 = constant(E12, hidden);
  for (let block = 0; block < rows; block += ROWS) {
    const end = min<i32>(ROWS, rows - block);
    let c = 0;
    // Eight channels at a time where their slopes leave the registers for it.
    if (WIDE || activation <= RELU6) {
      for (; c + 8 <= C; c += 8) {
        const scale = v128.load(at(factors, c)), shift = v128.load(at(factors, C + c)), center = v128.load(at(mean, c));
        const gate = gated ? v128.load(at(gates, c)) : zero(), offset = gated ? v128.load(at(offsets, c)) : zero();
        const gate2 = gated ? v128.load(at(gates, c), 16) : zero(), offset2 = gated ? v128.load(at(offsets, c), 16) : zero();
        const scale2 = v128.load(at(factors, c), 16), shift2 = v128.load(at(factors, C + c), 16), center2 = v128.load(at(mean, c), 16);
        let p = at(x, block * C + c), q = at(dy, block * C + c), o = at(out, block * C + c);
        let a = zero(), b = zero(), a2 = zero(), b2 = zero();
        for (let i = 0; i < end; i++) {
          const value = v128.load(p);
          const gradient = gradientWith(incoming(v128.load(q), gated, gate, offset), madd(value, scale, shift), activation, e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12);
          // In the wide build both stores follow all loads, or they are not joined; elsewhere that takes a register too many.
          if (keep && !WIDE) v128.store(o, gradient);
          a = f32x4.add(a, gradient);
          b = madd(gradient, f32x4.sub(value, center), b);
          const value2 = v128.load(p, 16);
          const gradient2 = gradientWith(incoming(v128.load(q, 16), gated, gate2, offset2), madd(value2, scale2, shift2), activation, e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12);
          if (keep && WIDE) v128.store(o, gradient);
          if (keep) v128.store(o, gradient2, 16);
          a2 = f32x4.add(a2, gradient2);
          b2 = madd(gradient2, f32x4.sub(value2, center2), b2);
          p += row;
          q += row;
          o += row;
        }
        addPairs(sums + (<usize>c << 3), products + (<usize>c << 3), waiting, a, a2, b, b2);
      }
    }
    for (; c < C; c += 4) {
      const scale = v128.load(at(factors, c)), shift = v128.load(at(factors, C + c)), center = v128.load(at(mean, c));
      const gate = gated ? v128.load(at(gates, c)) : zero(), offset = gated ? v128.load(at(offsets, c)) : zero();
      let p = at(x, block * C + c), q = at(dy, block * C + c), o = at(out, block * C + c);
      let a = zero(), b = zero();
      for (let i = 0; i < end; i++) {
        const value = v128.load(p);
        const gradient = gradientWith(incoming(v128.load(q), gated, gate, offset), madd(value, scale, shift), activation, e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12);
        if (keep) v128.store(o, gradient);
        a = f32x4.add(a, gradient);
        b = madd(gradient, f32x4.sub(value, center), b);
        p += row;
        q += row;
        o += row;
      }
      addWide(sums + (<usize>c << 3), a);
      addWide(products + (<usize>c << 3), b);
    }
  }
}

/** One loop for each activation, as in `activateRows`. */
// @ts-ignore: decorator
@inline
function passRowsOf(
  x: usize, dy: usize, out: usize, mean: usize, rows: i32, C: i32, factors: usize, activation: i32, sums: usize, keep: bool,
  gated: bool, gates: usize, offsets: usize,
): void {
  if (activation == RELU6) passRows(x, dy, out, mean, rows, C, factors, RELU6, sums, keep, gated, gates, offsets);
  else if (activation == RELU) passRows(x, dy, out, mean, rows, C, factors, RELU, sums, keep, gated, gates, offsets);
  else if (activation == SWISH) passRows(x, dy, out, mean, rows, C, factors, SWISH, sums, keep, gated, gates, offsets);
  else if (activation == SIGMOID) passRows(x, dy, out, mean, rows, C, factors, SIGMOID, sums, keep, gated, gates, offsets);
  else if (activation == HARD_SWISH) passRows(x, dy, out, mean, rows, C, factors, HARD_SWISH, sums, keep, gated, gates, offsets);
  else passRows(x, dy, out, mean, rows, C, factors, 0, sums, keep, gated, gates, offsets);
}

/**
 * out [rows, C] = g, the gradient dy times the activation's slope at x · scale + shift, and sums [2][C] += Σg,
 * Σg · (x − m). `out` may be dy; 0 keeps the sums only.
 */
export function gradientRows(
  x: usize, dy: usize, out: usize, mean: usize, rows: i32, C: i32, factors: usize, activation: i32, sums: usize,
): void {
  if (out) passRowsOf(x, dy, out, mean, rows, C, factors, activation, sums, true, false, 0, 0);
  else passRowsOf(x, dy, x, mean, rows, C, factors, activation, sums, false, false, 0, 0);
}

/** Each thread's sums of g and g · (x − m), and g itself where `out` is not 0: sums [threads][2][C] float64. */
export function normGradientSums(
  x: usize, dy: usize, out: usize, mean: usize, M: i32, C: i32, factors: usize, activation: i32, sums: usize,
  thread: i32, threads: i32,
): void {
  const own = sumsOf(sums, C, thread);
  memory.fill(own, 0, <usize>C << 4);
  const first = shareStart(M, 1, thread, threads);
  const last = shareStart(M, 1, thread + 1, threads);
  const start = <usize>(first * C) << 2;
  gradientRows(x + start, dy + start, out ? out + start : 0, mean, last - first, C, factors, activation, own);
}

/**
 * The same behind a gated map [batch, area, C], where dy · gate + offset comes in: gates and offsets are [batch, C].
 * Threads share the pixels.
 */
export function gatedNormGradientSums(
  x: usize, dy: usize, out: usize, mean: usize, batch: i32, area: i32, C: i32, factors: usize, activation: i32, gates: usize,
  offsets: usize, sums: usize, thread: i32, threads: i32,
): void {
  const own = sumsOf(sums, C, thread);
  memory.fill(own, 0, <usize>C << 4);
  const last = shareStart(batch * area, 1, thread + 1, threads);
  for (let pixel = shareStart(batch * area, 1, thread, threads), rows = 0; pixel < last; pixel += rows) {
    const image = pixel / area;
    rows = min<i32>((image + 1) * area, last) - pixel;
    const start = <usize>(pixel * C) << 2;
    passRowsOf(
      x + start, dy + start, out + start, mean, rows, C, factors, activation, own, true, true, at(gates, image * C), at(offsets, image * C),
    );
  }
}

/** Sum of the threads' sums as float32: out [2][C]. */
export function normMergeSums(sums: usize, parts: i32, C: i32, out: usize): void {
  for (let c = 0; c < 2 * C; c++) {
    let total: f64 = 0;
    for (let t = 0; t < parts; t++) total += f64.load(sumsOf(sums, C, t) + (<usize>c << 3));
    f32.store(at(out, c), <f32>total);
  }
}

/**
 * dγ, dβ and the three factors of dx = g·k₀ + x·k₁ + k₂ [3][C], which is
 * γ/σ · (g − mean(g) − (x − m)/σ² · mean(g·(x − m))) (Ioffe and Szegedy 2015, arXiv:1502.03167).
 */
export function normGradientFactors(
  sums: usize, M: i32, C: i32, gamma: usize, mean: usize, variance: usize, epsilon: f32,
  dGamma: usize, dBeta: usize, factors: usize,
): void {
  for (let c = 0; c < C; c++) {
    const sum = <f64>f32.load(at(sums, c)), products = <f64>f32.load(at(sums, C + c));
    const inverse = 1 / sqrt<f64>(<f64>f32.load(at(variance, c)) + epsilon);
    f32.store(at(dBeta, c), <f32>sum);
    f32.store(at(dGamma, c), <f32>(products * inverse));
    const scale = <f64>f32.load(at(gamma, c)) * inverse;
    const slope = (-scale * inverse * inverse * products) / M;
    f32.store(at(factors, c), <f32>scale);
    f32.store(at(factors, C + c), <f32>slope);
    f32.store(at(factors, 2 * C + c), <f32>((-scale * sum) / M - slope * <f64>f32.load(at(mean, c))));
  }
}

/** dx = g·k₀ + x·k₁ + k₂ of eight channels, with factors k and l. */
// @ts-ignore: decorator
@inline
export function gradientOfEight(g: usize, x: usize, dx: usize, k0: v128, k1: v128, k2: v128, l0: v128, l1: v128, l2: v128): void {
  const g0 = v128.load(g), g1 = v128.load(g, 16), x0 = v128.load(x), x1 = v128.load(x, 16);
  v128.store(dx, madd(g0, k0, madd(x0, k1, k2)));
  v128.store(dx, madd(g1, l0, madd(x1, l1, l2)), 16);
}

/** dx = g·k₀ + x·k₁ + k₂ of a few rows. */
export function inputGradientRows(g: usize, x: usize, dx: usize, rows: i32, C: i32, k: usize): void {
  const row = <usize>C << 2;
  let r = 0;
  // Four rows share the loads of the factors.
  for (; r + 4 <= rows; r += 4) {
    let c: usize = 0;
    if (WIDE) {
      for (; c + 32 <= row; c += 32) {
        const k0 = v128.load(k + c), k1 = v128.load(k + row + c), k2 = v128.load(k + 2 * row + c);
        const l0 = v128.load(k + c, 16), l1 = v128.load(k + row + c, 16), l2 = v128.load(k + 2 * row + c, 16);
        const p = g + c, q = x + c, o = dx + c;
        gradientOfEight(p, q, o, k0, k1, k2, l0, l1, l2);
        gradientOfEight(p + row, q + row, o + row, k0, k1, k2, l0, l1, l2);
        gradientOfEight(p + 2 * row, q + 2 * row, o + 2 * row, k0, k1, k2, l0, l1, l2);
        gradientOfEight(p + 3 * row, q + 3 * row, o + 3 * row, k0, k1, k2, l0, l1, l2);
      }
    }
    for (; c < row; c += 16) {
      const k0 = v128.load(k + c), k1 = v128.load(k + row + c), k2 = v128.load(k + 2 * row + c);
      const p = g + c, q = x + c, o = dx + c;
      v128.store(o, madd(v128.load(p), k0, madd(v128.load(q), k1, k2)));
      v128.store(o + row, madd(v128.load(p + row), k0, madd(v128.load(q + row), k1, k2)));
      v128.store(o + 2 * row, madd(v128.load(p + 2 * row), k0, madd(v128.load(q + 2 * row), k1, k2)));
      v128.store(o + 3 * row, madd(v128.load(p + 3 * row), k0, madd(v128.load(q + 3 * row), k1, k2)));
    }
    g += 4 * row;
    x += 4 * row;
    dx += 4 * row;
  }
  for (; r < rows; r++) {
    for (let c: usize = 0; c < row; c += 16) {
      v128.store(dx + c, madd(v128.load(g + c), v128.load(k + c), madd(v128.load(x + c), v128.load(k + row + c), v128.load(k + 2 * row + c))));
    }
    g += row;
    x += row;
    dx += row;
  }
}

/** dx [M, C] from g, which it may replace. Threads share the rows. */
export function normGradient(x: usize, g: usize, dx: usize, M: i32, C: i32, k: usize, thread: i32, threads: i32): void {
  const first = shareStart(M, 1, thread, threads);
  const start = <usize>(first * C) << 2;
  inputGradientRows(g + start, x + start, dx + start, shareStart(M, 1, thread + 1, threads) - first, C, k);
}

/** out = moving + (batch − moving) · (1 − momentum). */
export function movingAverage(moving: usize, batch: usize, out: usize, C: i32, momentum: f32): void {
  for (let c = 0; c < C; c++) {
    const before = f32.load(at(moving, c));
    f32.store(at(out, c), before + (f32.load(at(batch, c)) - before) * (1 - momentum));
  }
}
