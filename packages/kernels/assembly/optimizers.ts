import { at, madd, shareStart } from "./simd";

/**
 * One step of gradient descent with momentum as Keras takes it; the velocity changes in place, the new weights go to `out`.
 * Threads share the elements.
 *
 *   u ← momentum·u + rate·g,   w ← keep·w − u,   with Nesterov's look ahead w ← keep·w − (momentum·u + rate·g)
 *
 * @param velocity - 0 without momentum.  @param nesterov - 1 or 0.  @param keep - 1 − learning rate · weight decay.
 */
export function momentumStep(
  weights: usize, out: usize, velocity: usize, gradient: usize, n: i32, momentum: f32, rate: f32, nesterov: i32, keep: f32,
  thread: i32, threads: i32,
): void {
  const last = shareStart(n, 16, thread + 1, threads);
  let i = shareStart(n, 16, thread, threads);
  const m = f32x4.splat(momentum), r = f32x4.splat(rate), k = f32x4.splat(keep);
  for (; i + 4 <= last; i += 4) {
    let change = f32x4.mul(r, v128.load(at(gradient, i)));
    if (velocity != 0) {
      const next = madd(m, v128.load(at(velocity, i)), change);
      v128.store(at(velocity, i), next);
      change = nesterov ? madd(m, next, change) : next;
    }
    v128.store(at(out, i), f32x4.sub(f32x4.mul(v128.load(at(weights, i)), k), change));
  }
  for (; i < last; i++) {
    let change = rate * f32.load(at(gradient, i));
    if (velocity != 0) {
      const next = momentum * f32.load(at(velocity, i)) + change;
      f32.store(at(velocity, i), next);
      change = nesterov ? momentum * next + change : next;
    }
    f32.store(at(out, i), f32.load(at(weights, i)) * keep - change);
  }
}

/**
 * One step of RMSProp as Keras takes it; both slots change in place, the new weights go to `out`. Threads share the elements.
 *
 *   s ← ρs + (1 − ρ)g²,   u ← momentum·u + rate·g / √(s + ε),   w ← keep·w − u
 *
 * @param velocity - 0 without momentum.  @param keep - 1 − learning rate · weight decay.
 */
export function rmspropStep(
  weights: usize, out: usize, squares: usize, velocity: usize, gradient: usize, n: i32, rho: f32, momentum: f32, rate: f32,
  epsilon: f32, keep: f32, thread: i32, threads: i32,
): void {
  const last = shareStart(n, 16, thread + 1, threads);
  let i = shareStart(n, 16, thread, threads);
  const p = f32x4.splat(rho), q = f32x4.splat(1 - rho), m = f32x4.splat(momentum), r = f32x4.splat(rate);
  const e = f32x4.splat(epsilon), k = f32x4.splat(keep);
  for (; i + 4 <= last; i += 4) {
    const g = v128.load(at(gradient, i));
    const s = madd(p, v128.load(at(squares, i)), f32x4.mul(q, f32x4.mul(g, g)));
    v128.store(at(squares, i), s);
    let change = f32x4.div(f32x4.mul(r, g), f32x4.sqrt(f32x4.add(s, e)));
    if (velocity != 0) {
      change = madd(m, v128.load(at(velocity, i)), change);
      v128.store(at(velocity, i), change);
    }
    v128.store(at(out, i), f32x4.sub(f32x4.mul(v128.load(at(weights, i)), k), change));
  }
  for (; i < last; i++) {
    const g = f32.load(at(gradient, i));
    const s = rho * f32.load(at(squares, i)) + (1 - rho) * g * g;
    f32.store(at(squares, i), s);
    let change = (rate * g) / sqrt<f32>(s + epsilon);
    if (velocity != 0) {
      change = momentum * f32.load(at(velocity, i)) + change;
      f32.store(at(velocity, i), change);
    }
    f32.store(at(out, i), f32.load(at(weights, i)) * keep - change);
  }
}
