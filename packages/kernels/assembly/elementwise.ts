import { at, madd, shareStart } from "./simd";

/** out = a + b. Threads share the elements. */
export function add(a: usize, b: usize, out: usize, n: i32, thread: i32, threads: i32): void {
  const last = shareStart(n, 16, thread + 1, threads);
  let i = shareStart(n, 16, thread, threads);
  for (; i + 4 <= last; i += 4) v128.store(at(out, i), f32x4.add(v128.load(at(a, i)), v128.load(at(b, i))));
  for (; i < last; i++) f32.store(at(out, i), f32.load(at(a, i)) + f32.load(at(b, i)));
}

/** Sum of squares, in float64. */
export function sumOfSquares(x: usize, n: i32): f64 {
  let sum: f64 = 0;
  for (let i = 0; i < n; i++) {
    const value = <f64>f32.load(at(x, i));
    sum += value * value;
  }
  return sum;
}

/**
 * One step of Adam (Kingma and Ba 2015, arXiv:1412.6980) with decoupled weight decay (Loshchilov and Hutter 2019,
 * arXiv:1711.05101). m and v change in place; the new weights go to `out`. Threads share the elements.
 *
 * @param rate - learning rate / (1 − β₁ᵗ).  @param unbias - 1 / (1 − β₂ᵗ).
 * @param keep - 1 − learning rate · weight decay.  @param gradientScale - of clipping, else 1.
 */
export function adam(
  weights: usize, out: usize, m: usize, v: usize, gradient: usize, n: i32, beta1: f32, beta2: f32, rate: f32, unbias: f32,
  epsilon: f32, keep: f32, gradientScale: f32, thread: i32, threads: i32,
): void {
  const last = shareStart(n, 16, thread + 1, threads);
  let i = shareStart(n, 16, thread, threads);
  const b1 = f32x4.splat(beta1), b2 = f32x4.splat(beta2), r1 = f32x4.splat(1 - beta1), r2 = f32x4.splat(1 - beta2);
  const lr = f32x4.splat(rate), u = f32x4.splat(unbias), e = f32x4.splat(epsilon), k = f32x4.splat(keep), s = f32x4.splat(gradientScale);
  for (; i + 4 <= last; i += 4) {
    const g = f32x4.mul(v128.load(at(gradient, i)), s);
    const m1 = madd(b1, v128.load(at(m, i)), f32x4.mul(r1, g));
    const v1 = madd(b2, v128.load(at(v, i)), f32x4.mul(r2, f32x4.mul(g, g)));
    v128.store(at(m, i), m1);
    v128.store(at(v, i), v1);
    const step = f32x4.div(f32x4.mul(lr, m1), f32x4.add(f32x4.sqrt(f32x4.mul(v1, u)), e));
    v128.store(at(out, i), f32x4.sub(f32x4.mul(v128.load(at(weights, i)), k), step));
  }
  for (; i < last; i++) {
    const g = f32.load(at(gradient, i)) * gradientScale;
    const m1 = beta1 * f32.load(at(m, i)) + (1 - beta1) * g;
    const v1 = beta2 * f32.load(at(v, i)) + (1 - beta2) * g * g;
    f32.store(at(m, i), m1);
    f32.store(at(v, i), v1);
    f32.store(at(out, i), f32.load(at(weights, i)) * keep - (rate * m1) / (sqrt<f32>(v1 * unbias) + epsilon));
  }
}
