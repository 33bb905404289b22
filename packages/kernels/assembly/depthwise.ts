// Depthwise convolution (one filter a channel) and its two gradients; filters [KH, KW, C].
import { at, madd, shareStart, zero } from "./simd";

/** Bytes of scratch for each thread: the taps that reach a pixel, as pairs of addresses. */
export function depthwiseScratch(KH: i32, KW: i32): i32 {
  return KH * KW * 8;
}

/** Sum over `count` taps of picture · filter for all channels; taps are pairs of addresses. */
// @ts-ignore: decorator
@inline
function sumTaps(taps: usize, count: i32, out: usize, C: i32): void {
  let c: i32 = 0;
  if (count == 9) {
    const p0 = i32.load(taps), w0 = i32.load(taps, 4), p1 = i32.load(taps, 8), w1 = i32.load(taps, 12);
    const p2 = i32.load(taps, 16), w2 = i32.load(taps, 20), p3 = i32.load(taps, 24), w3 = i32.load(taps, 28);
    const p4 = i32.load(taps, 32), w4 = i32.load(taps, 36), p5 = i32.load(taps, 40), w5 = i32.load(taps, 44);
    const p6 = i32.load(taps, 48), w6 = i32.load(taps, 52), p7 = i32.load(taps, 56), w7 = i32.load(taps, 60);
    const p8 = i32.load(taps, 64), w8 = i32.load(taps, 68);
    for (; c + 4 <= C; c += 4) {
      // Three chains, so that one product need not wait for the one before.
      let a = f32x4.mul(v128.load(at(p0, c)), v128.load(at(w0, c)));
      let b = f32x4.mul(v128.load(at(p1, c)), v128.load(at(w1, c)));
      let d = f32x4.mul(v128.load(at(p2, c)), v128.load(at(w2, c)));
      a = madd(v128.load(at(p3, c)), v128.load(at(w3, c)), a);
      b = madd(v128.load(at(p4, c)), v128.load(at(w4, c)), b);
      d = madd(v128.load(at(p5, c)), v128.load(at(w5, c)), d);
      a = madd(v128.load(at(p6, c)), v128.load(at(w6, c)), a);
      b = madd(v128.load(at(p7, c)), v128.load(at(w7, c)), b);
      d = madd(v128.load(at(p8, c)), v128.load(at(w8, c)), d);
      v128.store(at(out, c), f32x4.add(f32x4.add(a, b), d));
    }
  } else {
    for (; c + 4 <= C; c += 4) {
      let a = zero();
      for (let t = 0; t < count; t++) {
        const tap = taps + (t << 3);
        a = madd(v128.load(at(i32.load(tap), c)), v128.load(at(i32.load(tap, 4), c)), a);
      }
      v128.store(at(out, c), a);
    }
  }
  for (; c < C; c++) {
    let a: f32 = 0;
    for (let t = 0; t < count; t++) {
      const tap = taps + (t << 3);
      a += f32.load(at(i32.load(tap), c)) * f32.load(at(i32.load(tap, 4), c));
    }
    f32.store(at(out, c), a);
  }
}

/** Threads share the output rows. */
export function depthwiseForward(
  x: usize, w: usize, out: usize, batch: i32, H: i32, W: i32, C: i32, KH: i32, KW: i32, strideY: i32, strideX: i32,
  dilationY: i32, dilationX: i32, top: i32, left: i32, OH: i32, OW: i32, scratch: usize, thread: i32, threads: i32,
): void {
  const first = shareStart(batch * OH, 1, thread, threads);
  const last = shareStart(batch * OH, 1, thread + 1, threads);
  const taps = scratch + thread * depthwiseScratch(KH, KW);
  for (let r = first; r < last; r++) {
    const image = (r / OH) * H;
    const y0 = (r % OH) * strideY - top;
    for (let ox = 0; ox < OW; ox++) {
      const x0 = ox * strideX - left;
      let count = 0;
      for (let i = 0; i < KH; i++) {
        const y = y0 + i * dilationY;
        if (y < 0 || y >= H) continue;
        for (let j = 0; j < KW; j++) {
          const xx = x0 + j * dilationX;
          if (xx < 0 || xx >= W) continue;
          const tap = taps + (count++ << 3);
          i32.store(tap, <i32>at(x, ((image + y) * W + xx) * C));
          i32.store(tap, <i32>at(w, (i * KW + j) * C), 4);
        }
      }
      sumTaps(taps, count, at(out, (r * OW + ox) * C), C);
    }
  }
}

/** Gathers, for each input pixel, the output gradients that it touched. Threads share the input rows. */
export function depthwiseInputGradient(
  dy: usize, w: usize, dx: usize, batch: i32, H: i32, W: i32, C: i32, KH: i32, KW: i32, strideY: i32, strideX: i32,
  dilationY: i32, dilationX: i32, top: i32, left: i32, OH: i32, OW: i32, scratch: usize, thread: i32, threads: i32,
): void {
  const first = shareStart(batch * H, 1, thread, threads);
  const last = shareStart(batch * H, 1, thread + 1, threads);
  const taps = scratch + thread * depthwiseScratch(KH, KW);
  for (let r = first; r < last; r++) {
    const image = (r / H) * OH;
    const y = r % H;
    for (let xx = 0; xx < W; xx++) {
      let count = 0;
      for (let i = 0; i < KH; i++) {
        const ty = y + top - i * dilationY;
        if (ty < 0 || ty % strideY != 0 || ty / strideY >= OH) continue;
        for (let j = 0; j < KW; j++) {
          const tx = xx + left - j * dilationX;
          if (tx < 0 || tx % strideX != 0 || tx / strideX >= OW) continue;
          const tap = taps + (count++ << 3);
          i32.store(tap, <i32>at(dy, ((image + ty / strideY) * OW + tx / strideX) * C));
          i32.store(tap, <i32>at(w, (i * KW + j) * C), 4);
        }
      }
      sumTaps(taps, count, at(dx, (r * W + xx) * C), C);
    }
  }
}

/** First output column whose tap `offset` (relative to the picture's left edge) lies inside. */
// @ts-ignore: decorator
@inline
function firstInside(offset: i32, stride: i32): i32 {
  return offset >= 0 ? 0 : (-offset + stride - 1) / stride;
}

/** One past the last output column whose tap lies inside. */
// @ts-ignore: decorator
@inline
function endInside(offset: i32, stride: i32, W: i32, OW: i32): i32 {
  return W - 1 - offset < 0 ? 0 : min<i32>(OW, (W - 1 - offset) / stride + 1);
}

/** Threads share the channels, in runs of 16 (one cache line). */
export function depthwiseFilterGradient(
  x: usize, dy: usize, dw: usize, batch: i32, H: i32, W: i32, C: i32, KH: i32, KW: i32, strideY: i32, strideX: i32,
  dilationY: i32, dilationX: i32, top: i32, left: i32, OH: i32, OW: i32, thread: i32, threads: i32,
): void {
  const first = shareStart(C, 16, thread, threads);
  const last = shareStart(C, 16, thread + 1, threads);
  for (let t = 0; t < KH * KW; t++) memory.fill(at(dw, t * C + first), 0, <usize>(last - first) << 2);
  const pixel = <usize>C << 2;
  const step = pixel * strideX;
  for (let r = 0; r < batch * OH; r++) {
    const image = (r / OH) * H;
    const y0 = (r % OH) * strideY - top;
    const gradientRow = at(dy, r * OW * C);
    for (let i = 0; i < KH; i++) {
      const y = y0 + i * dilationY;
      if (y < 0 || y >= H) continue;
      const row = at(x, (image + y) * W * C);
      let c = first;
      for (; c + 4 <= last; c += 4) {
        let j = 0;
        // Three neighbouring taps share the loads of the gradient where all of them are inside.
        for (; j + 3 <= KW; j += 3) {
          const offset = j * dilationX - left;
          const start = min<i32>(OW, firstInside(offset, strideX));
          const end = max<i32>(start, endInside(offset + 2 * dilationX, strideX, W, OW));
          const apart = pixel * dilationX;
          let s0 = zero(), s1 = zero(), s2 = zero();
          let g = at(gradientRow, start * C + c);
          let p = at(row, (start * strideX + offset) * C + c);
          for (let ox = start; ox < end; ox++) {
            const gradient = v128.load(g);
            s0 = madd(gradient, v128.load(p), s0);
            s1 = madd(gradient, v128.load(p + apart), s1);
            s2 = madd(gradient, v128.load(p + 2 * apart), s2);
            g += pixel;
            p += step;
          }
          for (let ox = 0; ox < OW; ox++) {
            if (ox == start) ox = end;
            if (ox >= OW) break;
            const gradient = v128.load(at(gradientRow, ox * C + c));
            const xx = ox * strideX + offset;
            if (xx >= 0 && xx < W) s0 = madd(gradient, v128.load(at(row, xx * C + c)), s0);
            if (xx + dilationX >= 0 && xx + dilationX < W) s1 = madd(gradient, v128.load(at(row, (xx + dilationX) * C + c)), s1);
            if (xx + 2 * dilationX >= 0 && xx + 2 * dilationX < W) s2 = madd(gradient, v128.load(at(row, (xx + 2 * dilationX) * C + c)), s2);
          }
          const out = at(dw, (i * KW + j) * C + c);
          v128.store(out, f32x4.add(v128.load(out), s0));
          v128.store(out + pixel, f32x4.add(v128.load(out + pixel), s1));
          v128.store(out + 2 * pixel, f32x4.add(v128.load(out + 2 * pixel), s2));
        }
        for (; j < KW; j++) {
          const offset = j * dilationX - left;
          const end = endInside(offset, strideX, W, OW);
          let sum = zero();
          for (let ox = firstInside(offset, strideX); ox < end; ox++) {
            sum = madd(v128.load(at(gradientRow, ox * C + c)), v128.load(at(row, (ox * strideX + offset) * C + c)), sum);
          }
          const out = at(dw, (i * KW + j) * C + c);
          v128.store(out, f32x4.add(v128.load(out), sum));
        }
      }
      for (; c < last; c++) {
        for (let j = 0; j < KW; j++) {
          const offset = j * dilationX - left;
          const end = endInside(offset, strideX, W, OW);
          let sum: f32 = 0;
          for (let ox = firstInside(offset, strideX); ox < end; ox++) {
            sum += f32.load(at(gradientRow, ox * C + c)) * f32.load(at(row, (ox * strideX + offset) * C + c));
          }
          const out = at(dw, (i * KW + j) * C + c);
          f32.store(out, f32.load(out) + sum);
        }
      }
    }
  }
}
