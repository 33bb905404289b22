// Squeeze and excite (Hu et al. 2018, arXiv:1709.01507): what lies between the mean of a map and its gates, and the way
// back. mean [batch, C] → hidden = mean · w1 + b1, [batch, S] → gates = sigmoid(activation(hidden) · w2 + b2), [batch, C];
// w1 is [C, S] and w2 [S, C], C divisible by 4. Rows of S values lie `padded(S)` apart, with zeros behind.
import { activate, activationGradient } from "./batch-norm";
import { sigmoid } from "./exponential";
import { at, madd, shareStart, zero } from "./simd";

// @ts-ignore: decorator
@inline
function padded(S: i32): i32 {
  return (S + 3) & ~3;
}

/** Σ of four lanes. */
// @ts-ignore: decorator
@inline
function lanes(value: v128): f32 {
  return f32x4.extract_lane(value, 0) + f32x4.extract_lane(value, 1) + (f32x4.extract_lane(value, 2) + f32x4.extract_lane(value, 3));
}

/** out [n] += scale · x [n]. */
// @ts-ignore: decorator
@inline
function addScaled(x: usize, scale: f32, out: usize, n: i32): void {
  const factor = f32x4.splat(scale);
  let i = 0;
  for (; i + 4 <= n; i += 4) v128.store(at(out, i), madd(factor, v128.load(at(x, i)), v128.load(at(out, i))));
  for (; i < n; i++) f32.store(at(out, i), f32.load(at(out, i)) + scale * f32.load(at(x, i)));
}

// @ts-ignore: decorator
@inline
function dot(a: usize, b: usize, n: i32): f32 {
  let sums = zero();
  let i = 0;
  for (; i + 4 <= n; i += 4) sums = madd(v128.load(at(a, i)), v128.load(at(b, i)), sums);
  let total = lanes(sums);
  for (; i < n; i++) total += f32.load(at(a, i)) * f32.load(at(b, i));
  return total;
}

/** hidden (in front of its activation), active (behind it) and gates. Threads share the pictures. */
export function excite(
  mean: usize, w1: usize, b1: usize, w2: usize, b2: usize, hidden: usize, active: usize, gates: usize,
  batch: i32, C: i32, S: i32, activation: i32, thread: i32, threads: i32,
): void {
  const width = padded(S);
  const last = shareStart(batch, 1, thread + 1, threads);
  for (let image = shareStart(batch, 1, thread, threads); image < last; image++) {
    const h = at(hidden, image * width), a = at(active, image * width), out = at(gates, image * C);
    memory.fill(h, 0, <usize>width << 2);
    memory.copy(h, b1, <usize>S << 2);
    for (let c = 0; c < C; c++) addScaled(at(w1, c * S), f32.load(at(mean, image * C + c)), h, S);
    for (let s = 0; s < width; s += 4) v128.store(at(a, s), activate(v128.load(at(h, s)), activation));
    memory.copy(out, b2, <usize>C << 2);
    for (let s = 0; s < S; s++) addScaled(at(w2, s * C), f32.load(at(a, s)), out, C);
    for (let c = 0; c < C; c += 4) v128.store(at(out, c), sigmoid(v128.load(at(out, c))));
  }
}

/** dGate [batch, C] becomes the gradient in front of the sigmoid; dHidden, and dMean / area. Threads share the pictures. */
export function exciteGradient(
  dGate: usize, gates: usize, hidden: usize, w1: usize, w2: usize, dHidden: usize, dPixel: usize,
  batch: i32, area: i32, C: i32, S: i32, activation: i32, thread: i32, threads: i32,
): void {
  const width = padded(S);
  const one = f32x4.splat(1);
  const scale: f32 = 1 / <f32>area;
  const last = shareStart(batch, 1, thread + 1, threads);
  for (let image = shareStart(batch, 1, thread, threads); image < last; image++) {
    const d = at(dGate, image * C), dh = at(dHidden, image * width), h = at(hidden, image * width);
    for (let c = 0; c < C; c += 4) {
      const gate = v128.load(at(gates, image * C + c));
      v128.store(at(d, c), f32x4.mul(v128.load(at(d, c)), f32x4.mul(gate, f32x4.sub(one, gate))));
    }
    memory.fill(dh, 0, <usize>width << 2);
    for (let s = 0; s < S; s++) f32.store(at(dh, s), dot(d, at(w2, s * C), C));
    for (let s = 0; s < width; s += 4) {
      v128.store(at(dh, s), activationGradient(v128.load(at(dh, s)), v128.load(at(h, s)), activation));
    }
    for (let c = 0; c < C; c++) f32.store(at(dPixel, image * C + c), dot(dh, at(w1, c * S), S) * scale);
  }
}

/** Gradients of the weights, from those in front of sigmoid and activation. Threads share the rows of w1 and of w2. */
export function exciteWeightGradient(
  mean: usize, active: usize, dGate: usize, dHidden: usize, dw1: usize, db1: usize, dw2: usize, db2: usize,
  batch: i32, C: i32, S: i32, thread: i32, threads: i32,
): void {
  const width = padded(S);
  let last = shareStart(C, 1, thread + 1, threads);
  for (let c = shareStart(C, 1, thread, threads); c < last; c++) {
    const out = at(dw1, c * S);
    memory.fill(out, 0, <usize>S << 2);
    for (let image = 0; image < batch; image++) addScaled(at(dHidden, image * width), f32.load(at(mean, image * C + c)), out, S);
  }
  last = shareStart(S, 1, thread + 1, threads);
  for (let s = shareStart(S, 1, thread, threads); s < last; s++) {
    const out = at(dw2, s * C);
    memory.fill(out, 0, <usize>C << 2);
    for (let image = 0; image < batch; image++) addScaled(at(dGate, image * C), f32.load(at(active, image * width + s)), out, C);
  }
  if (thread) return;
  memory.fill(db1, 0, <usize>S << 2);
  memory.fill(db2, 0, <usize>C << 2);
  for (let image = 0; image < batch; image++) {
    addScaled(at(dHidden, image * width), 1, db1, S);
    addScaled(at(dGate, image * C), 1, db2, C);
  }
}
