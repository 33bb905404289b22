// Batch normalisation fused with the activation behind it. x is [M, C] with C divisible by 4. Sums run in float32
// over 32 rows and in float64 beyond, so that the variance of a million values keeps its digits.
import { sigmoid } from "./exponential";
import { at, madd, shareStart, zero } from "./simd";

const RELU: i32 = 1;
const RELU6: i32 = 2;
const SWISH: i32 = 3;
const SIGMOID: i32 = 4;
const HARD_SWISH: i32 = 5;
const ROWS: i32 = 32;

// @ts-ignore: decorator
@inline
function activate(value: v128, activation: i32): v128 {
  if (activation == RELU6) return f32x4.pmin(f32x4.pmax(value, zero()), f32x4.splat(6));
  if (activation == SWISH) return f32x4.mul(value, sigmoid(value));
  if (activation == SIGMOID) return sigmoid(value);
  if (activation == HARD_SWISH) {
    const gate = f32x4.pmin(f32x4.pmax(f32x4.add(value, f32x4.splat(3)), zero()), f32x4.splat(6));
    return f32x4.mul(f32x4.mul(value, gate), f32x4.splat(1.0 / 6.0));
  }
  return activation == RELU ? f32x4.pmax(value, zero()) : value;
}

/** The gradient times the activation's slope at `value`; 0 at the corners of relu and relu6. */
// @ts-ignore: decorator
@inline
function pass(gradient: v128, value: v128, activation: i32): v128 {
  if (activation == RELU6) return v128.and(gradient, v128.and(f32x4.gt(value, zero()), f32x4.lt(value, f32x4.splat(6))));
  if (activation == SWISH) {
    const s = sigmoid(value);
    return f32x4.mul(gradient, madd(f32x4.mul(value, s), f32x4.sub(f32x4.splat(1), s), s));
  }
  if (activation == SIGMOID) {
    const s = sigmoid(value);
    return f32x4.mul(gradient, f32x4.mul(s, f32x4.sub(f32x4.splat(1), s)));
  }
  if (activation == HARD_SWISH) {
    const middle = f32x4.mul(madd(value, f32x4.splat(2), f32x4.splat(3)), f32x4.splat(1.0 / 6.0));
    const slope = v128.bitselect(f32x4.splat(1), middle, f32x4.ge(value, f32x4.splat(3)));
    return v128.and(f32x4.mul(gradient, slope), f32x4.gt(value, f32x4.splat(-3)));
  }
  return activation == RELU ? v128.and(gradient, f32x4.gt(value, zero())) : gradient;
}

/** Adds four float32 to four float64. */
// @ts-ignore: decorator
@inline
function addWide(sums: usize, value: v128): void {
  v128.store(sums, f64x2.add(v128.load(sums), f64x2.promote_low_f32x4(value)));
  const high = v128.shuffle<i64>(value, value, 1, 1);
  v128.store(sums, f64x2.add(v128.load(sums, 16), f64x2.promote_low_f32x4(high)), 16);
}

/** Each thread's sums of x and x² by channel: sums [threads][2][C] float64. */
export function normSums(x: usize, M: i32, C: i32, sums: usize, thread: i32, threads: i32): void {
  const sum = sums + (<usize>(thread * 2 * C) << 3);
  const squares = sum + (<usize>C << 3);
  memory.fill(sum, 0, <usize>C << 4);
  const first = shareStart(M, 1, thread, threads);
  const last = shareStart(M, 1, thread + 1, threads);
  const row = <usize>C << 2;
  for (let block = first; block < last; block += ROWS) {
    const rows = min<i32>(ROWS, last - block);
    for (let c = 0; c < C; c += 4) {
      let p = at(x, block * C + c);
      let a = zero(), b = zero();
      for (let i = 0; i < rows; i++) {
        const value = v128.load(p);
        a = f32x4.add(a, value);
        b = madd(value, value, b);
        p += row;
      }
      addWide(sum + (<usize>c << 3), a);
      addWide(squares + (<usize>c << 3), b);
    }
  }
}

/** Mean and (population) variance from the threads' sums. */
export function normMoments(sums: usize, parts: i32, M: i32, C: i32, mean: usize, variance: usize): void {
  for (let c = 0; c < C; c++) {
    let sum: f64 = 0, squares: f64 = 0;
    for (let t = 0; t < parts; t++) {
      const part = sums + (<usize>(t * 2 * C + c) << 3);
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

// @ts-ignore: decorator
@inline
function applyRows(x: usize, y: usize, C: i32, factors: usize, activation: i32, first: i32, last: i32): void {
  for (let r = first; r < last; r++) {
    const p = at(x, r * C), q = at(y, r * C);
    for (let c = 0; c < C; c += 4) {
      v128.store(at(q, c), activate(madd(v128.load(at(p, c)), v128.load(at(factors, c)), v128.load(at(factors, C + c))), activation));
    }
  }
}

/** y [M, C] = activation(x · scale + shift). Threads share the rows. */
export function normApply(x: usize, y: usize, M: i32, C: i32, factors: usize, activation: i32, thread: i32, threads: i32): void {
  const first = shareStart(M, 1, thread, threads);
  const last = shareStart(M, 1, thread + 1, threads);
  // One loop for each activation: a constant there costs nothing inside.
  if (activation == RELU6) applyRows(x, y, C, factors, RELU6, first, last);
  else if (activation == RELU) applyRows(x, y, C, factors, RELU, first, last);
  else if (activation == SWISH) applyRows(x, y, C, factors, SWISH, first, last);
  else if (activation == SIGMOID) applyRows(x, y, C, factors, SIGMOID, first, last);
  else if (activation == HARD_SWISH) applyRows(x, y, C, factors, HARD_SWISH, first, last);
  else applyRows(x, y, C, factors, 0, first, last);
}

// @ts-ignore: decorator
@inline
function sumGradientRows(x: usize, dy: usize, mean: usize, C: i32, factors: usize, activation: i32, sum: usize, first: i32, last: i32): void {
  const products = sum + (<usize>C << 3);
  const row = <usize>C << 2;
  for (let block = first; block < last; block += ROWS) {
    const rows = min<i32>(ROWS, last - block);
    for (let c = 0; c < C; c += 4) {
      const scale = v128.load(at(factors, c)), shift = v128.load(at(factors, C + c)), center = v128.load(at(mean, c));
      let p = at(x, block * C + c), q = at(dy, block * C + c);
      let a = zero(), b = zero();
      for (let i = 0; i < rows; i++) {
        const value = v128.load(p);
        const gradient = pass(v128.load(q), madd(value, scale, shift), activation);
        a = f32x4.add(a, gradient);
        b = madd(gradient, f32x4.sub(value, center), b);
        p += row;
        q += row;
      }
      addWide(sum + (<usize>c << 3), a);
      addWide(products + (<usize>c << 3), b);
    }
  }
}

/** Each thread's sums of g and g · (x − m), g the gradient behind the activation: sums [threads][2][C] float64. */
export function normGradientSums(
  x: usize, dy: usize, mean: usize, M: i32, C: i32, factors: usize, activation: i32, sums: usize, thread: i32, threads: i32,
): void {
  const sum = sums + (<usize>(thread * 2 * C) << 3);
  memory.fill(sum, 0, <usize>C << 4);
  const first = shareStart(M, 1, thread, threads);
  const last = shareStart(M, 1, thread + 1, threads);
  if (activation == RELU6) sumGradientRows(x, dy, mean, C, factors, RELU6, sum, first, last);
  else if (activation == RELU) sumGradientRows(x, dy, mean, C, factors, RELU, sum, first, last);
  else if (activation == SWISH) sumGradientRows(x, dy, mean, C, factors, SWISH, sum, first, last);
  else if (activation == SIGMOID) sumGradientRows(x, dy, mean, C, factors, SIGMOID, sum, first, last);
  else if (activation == HARD_SWISH) sumGradientRows(x, dy, mean, C, factors, HARD_SWISH, sum, first, last);
  else sumGradientRows(x, dy, mean, C, factors, 0, sum, first, last);
}

/**
 * dγ, dβ and the three factors of dx = g·k₀ + x·k₁ + k₂ [3][C], which is
 * γ/σ · (g − mean(g) − (x − m)/σ² · mean(g·(x − m))) (Ioffe and Szegedy 2015, arXiv:1502.03167).
 */
export function normGradientFactors(
  sums: usize, parts: i32, M: i32, C: i32, gamma: usize, mean: usize, variance: usize, epsilon: f32,
  dGamma: usize, dBeta: usize, factors: usize,
): void {
  for (let c = 0; c < C; c++) {
    let sum: f64 = 0, products: f64 = 0;
    for (let t = 0; t < parts; t++) {
      const part = sums + (<usize>(t * 2 * C + c) << 3);
      sum += f64.load(part);
      products += f64.load(part + (<usize>C << 3));
    }
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

// @ts-ignore: decorator
@inline
function gradientRows(x: usize, dy: usize, dx: usize, C: i32, factors: usize, k: usize, activation: i32, first: i32, last: i32): void {
  for (let r = first; r < last; r++) {
    const p = at(x, r * C), q = at(dy, r * C), d = at(dx, r * C);
    for (let c = 0; c < C; c += 4) {
      const value = v128.load(at(p, c));
      const gradient = pass(v128.load(at(q, c)), madd(value, v128.load(at(factors, c)), v128.load(at(factors, C + c))), activation);
      v128.store(at(d, c), madd(gradient, v128.load(at(k, c)), madd(value, v128.load(at(k, C + c)), v128.load(at(k, 2 * C + c)))));
    }
  }
}

/** dx [M, C]. Threads share the rows. */
export function normGradient(
  x: usize, dy: usize, dx: usize, M: i32, C: i32, factors: usize, k: usize, activation: i32, thread: i32, threads: i32,
): void {
  const first = shareStart(M, 1, thread, threads);
  const last = shareStart(M, 1, thread + 1, threads);
  if (activation == RELU6) gradientRows(x, dy, dx, C, factors, k, RELU6, first, last);
  else if (activation == RELU) gradientRows(x, dy, dx, C, factors, k, RELU, first, last);
  else if (activation == SWISH) gradientRows(x, dy, dx, C, factors, k, SWISH, first, last);
  else if (activation == SIGMOID) gradientRows(x, dy, dx, C, factors, k, SIGMOID, first, last);
  else if (activation == HARD_SWISH) gradientRows(x, dy, dx, C, factors, k, HARD_SWISH, first, last);
  else gradientRows(x, dy, dx, C, factors, k, 0, first, last);
}
