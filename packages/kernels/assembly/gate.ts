// Global pooling, and the gate of squeeze-and-excite: maps [batch, area, C] beside one value a picture and channel.
// Threads share pictures and runs of channels, so that a sum over the area never depends on their number.
import { at, madd, shareStart, zero } from "./simd";

/** Channels of one share: whole cache lines. */
const RUN: i32 = 64;
/** Pixels that are added up before their sum joins the others: keeps the digits of sums over many thousands. */
const PART: i32 = 64;

// @ts-ignore: decorator
@inline
function runs(C: i32): i32 {
  return (C + RUN - 1) / RUN;
}

/** out [batch, C] = mean over the area of x. */
export function areaMean(x: usize, out: usize, batch: i32, area: i32, C: i32, thread: i32, threads: i32): void {
  const perImage = runs(C);
  const last = shareStart(batch * perImage, 1, thread + 1, threads);
  const pixel = <usize>C << 2;
  const scale: f32 = 1 / <f32>area;
  for (let share = shareStart(batch * perImage, 1, thread, threads); share < last; share++) {
    const image = share / perImage;
    const end = min<i32>(C, (share % perImage + 1) * RUN);
    const source = at(x, image * area * C);
    let c = (share % perImage) * RUN;
    // A whole cache line at a time: four sums, each of which waits for itself alone.
    for (; c + 16 <= end; c += 16) {
      let p = at(source, c);
      let total0 = zero(), total1 = zero(), total2 = zero(), total3 = zero();
      for (let block = 0; block < area; block += PART) {
        let part0 = zero(), part1 = zero(), part2 = zero(), part3 = zero();
        for (let i = min<i32>(PART, area - block); i > 0; i--) {
          part0 = f32x4.add(part0, v128.load(p));
          part1 = f32x4.add(part1, v128.load(p, 16));
          part2 = f32x4.add(part2, v128.load(p, 32));
          part3 = f32x4.add(part3, v128.load(p, 48));
          p += pixel;
        }
        total0 = f32x4.add(total0, part0);
        total1 = f32x4.add(total1, part1);
        total2 = f32x4.add(total2, part2);
        total3 = f32x4.add(total3, part3);
      }
      const mean = at(out, image * C + c), factor = f32x4.splat(scale);
      v128.store(mean, f32x4.mul(total0, factor));
      v128.store(mean, f32x4.mul(total1, factor), 16);
      v128.store(mean, f32x4.mul(total2, factor), 32);
      v128.store(mean, f32x4.mul(total3, factor), 48);
    }
    for (; c + 4 <= end; c += 4) {
      let p = at(source, c);
      let total = zero();
      for (let block = 0; block < area; block += PART) {
        let part = zero();
        for (let i = min<i32>(PART, area - block); i > 0; i--) {
          part = f32x4.add(part, v128.load(p));
          p += pixel;
        }
        total = f32x4.add(total, part);
      }
      v128.store(at(out, image * C + c), f32x4.mul(total, f32x4.splat(scale)));
    }
    for (; c < end; c++) {
      let total: f64 = 0;
      for (let i = 0; i < area; i++) total += <f64>f32.load(at(source, i * C + c));
      f32.store(at(out, image * C + c), <f32>(total / area));
    }
  }
}

/** dx [batch, area, C] = dy [batch, C] / area. Threads share the pixels. */
export function areaMeanGradient(dy: usize, dx: usize, batch: i32, area: i32, C: i32, thread: i32, threads: i32): void {
  const scale: f32 = 1 / <f32>area;
  const last = shareStart(batch * area, 1, thread + 1, threads);
  for (let pixel = shareStart(batch * area, 1, thread, threads); pixel < last; pixel++) {
    const from = at(dy, (pixel / area) * C), to = at(dx, pixel * C);
    let c = 0;
    for (; c + 4 <= C; c += 4) v128.store(at(to, c), f32x4.mul(v128.load(at(from, c)), f32x4.splat(scale)));
    for (; c < C; c++) f32.store(at(to, c), f32.load(at(from, c)) * scale);
  }
}

/** y [batch, area, C] = x · gate [batch, C]. Threads share the pixels. */
export function gate(x: usize, gates: usize, y: usize, batch: i32, area: i32, C: i32, thread: i32, threads: i32): void {
  const last = shareStart(batch * area, 1, thread + 1, threads);
  for (let pixel = shareStart(batch * area, 1, thread, threads); pixel < last; pixel++) {
    const from = at(x, pixel * C), to = at(y, pixel * C), factor = at(gates, (pixel / area) * C);
    let c = 0;
    for (; c + 4 <= C; c += 4) v128.store(at(to, c), f32x4.mul(v128.load(at(from, c)), v128.load(at(factor, c))));
    for (; c < C; c++) f32.store(at(to, c), f32.load(at(from, c)) * f32.load(at(factor, c)));
  }
}

// @ts-ignore: decorator
@inline
function gateGradients(
  dy: usize, x: usize, gates: usize, dx: usize, dGate: usize, batch: i32, area: i32, C: i32, keep: bool, thread: i32, threads: i32,
): void {
  const perImage = runs(C);
  const last = shareStart(batch * perImage, 1, thread + 1, threads);
  const pixel = <usize>C << 2;
  for (let share = shareStart(batch * perImage, 1, thread, threads); share < last; share++) {
    const image = share / perImage;
    const end = min<i32>(C, (share % perImage + 1) * RUN);
    const start = image * area * C;
    let c = (share % perImage) * RUN;
    // A whole cache line at a time, as in `areaMean`.
    for (; c + 16 <= end; c += 16) {
      const factors = at(gates, image * C + c);
      const factor0 = keep ? v128.load(factors) : zero(), factor1 = keep ? v128.load(factors, 16) : zero();
      const factor2 = keep ? v128.load(factors, 32) : zero(), factor3 = keep ? v128.load(factors, 48) : zero();
      let p = at(x, start + c), q = at(dy, start + c), o = at(dx, start + c);
      let total0 = zero(), total1 = zero(), total2 = zero(), total3 = zero();
      for (let block = 0; block < area; block += PART) {
        let part0 = zero(), part1 = zero(), part2 = zero(), part3 = zero();
        for (let i = min<i32>(PART, area - block); i > 0; i--) {
          let gradient = v128.load(q);
          part0 = madd(gradient, v128.load(p), part0);
          if (keep) v128.store(o, f32x4.mul(gradient, factor0));
          gradient = v128.load(q, 16);
          part1 = madd(gradient, v128.load(p, 16), part1);
          if (keep) v128.store(o, f32x4.mul(gradient, factor1), 16);
          gradient = v128.load(q, 32);
          part2 = madd(gradient, v128.load(p, 32), part2);
          if (keep) v128.store(o, f32x4.mul(gradient, factor2), 32);
          gradient = v128.load(q, 48);
          part3 = madd(gradient, v128.load(p, 48), part3);
          if (keep) v128.store(o, f32x4.mul(gradient, factor3), 48);
          p += pixel;
          q += pixel;
          o += pixel;
        }
        total0 = f32x4.add(total0, part0);
        total1 = f32x4.add(total1, part1);
        total2 = f32x4.add(total2, part2);
        total3 = f32x4.add(total3, part3);
      }
      const sums = at(dGate, image * C + c);
      v128.store(sums, total0);
      v128.store(sums, total1, 16);
      v128.store(sums, total2, 32);
      v128.store(sums, total3, 48);
    }
    for (; c + 4 <= end; c += 4) {
      const factor = keep ? v128.load(at(gates, image * C + c)) : zero();
      let p = at(x, start + c), q = at(dy, start + c), o = at(dx, start + c);
      let total = zero();
      for (let block = 0; block < area; block += PART) {
        let part = zero();
        for (let i = min<i32>(PART, area - block); i > 0; i--) {
          const gradient = v128.load(q);
          part = madd(gradient, v128.load(p), part);
          if (keep) v128.store(o, f32x4.mul(gradient, factor));
          p += pixel;
          q += pixel;
          o += pixel;
        }
        total = f32x4.add(total, part);
      }
      v128.store(at(dGate, image * C + c), total);
    }
    for (; c < end; c++) {
      const factor: f32 = keep ? f32.load(at(gates, image * C + c)) : 0;
      let total: f64 = 0;
      for (let i = 0; i < area; i++) {
        const gradient = f32.load(at(dy, start + i * C + c));
        total += <f64>gradient * <f64>f32.load(at(x, start + i * C + c));
        if (keep) f32.store(at(dx, start + i * C + c), gradient * factor);
      }
      f32.store(at(dGate, image * C + c), <f32>total);
    }
  }
}

/** dx = dy · gate and dGate [batch, C] = Σ dy · x over the area. dx may be dy; 0 keeps the sums only. */
export function gateGradient(
  dy: usize, x: usize, gates: usize, dx: usize, dGate: usize, batch: i32, area: i32, C: i32, thread: i32, threads: i32,
): void {
  if (dx) gateGradients(dy, x, gates, dx, dGate, batch, area, C, true, thread, threads);
  else gateGradients(dy, x, gates, dy, dGate, batch, area, C, false, thread, threads);
}

/** dx [batch, area, C] = dy · gate + offset, gates and offsets being [batch, C], C divisible by 4. Threads share the pixels. */
export function gatedGradient(
  dy: usize, gates: usize, offsets: usize, dx: usize, batch: i32, area: i32, C: i32, thread: i32, threads: i32,
): void {
  const last = shareStart(batch * area, 1, thread + 1, threads);
  for (let pixel = shareStart(batch * area, 1, thread, threads); pixel < last; pixel++) {
    const from = at(dy, pixel * C), to = at(dx, pixel * C);
    const gate = at(gates, (pixel / area) * C), offset = at(offsets, (pixel / area) * C);
    for (let c = 0; c < C; c += 4) v128.store(at(to, c), madd(v128.load(at(from, c)), v128.load(at(gate, c)), v128.load(at(offset, c))));
  }
}
