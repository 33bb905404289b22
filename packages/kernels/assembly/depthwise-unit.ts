// A depthwise convolution unit (see unit.ts). Rows of the activated input, padded with zeros on both sides, go round in a
// ring that stays in the cache; the inner loops run along a row with four channels' filter in registers.
import { activateRows, addSums, gradientRows, inputGradientRows, sumsOf } from "./batch-norm";
import { readAhead, startReadingAhead } from "./read-ahead";
import { at, madd, shareStart, WIDE, zero } from "./simd";

/** Rows the ring holds: all that one output row reads. */
// @ts-ignore: decorator
@inline
function ringRows(KH: i32, dilationY: i32): i32 {
  return (KH - 1) * dilationY + 1;
}

/** Columns of a padded input row. */
// @ts-ignore: decorator
@inline
function paddedWidth(W: i32, left: i32, KW: i32, strideX: i32, dilationX: i32, OW: i32): i32 {
  return left + max<i32>(W, (OW - 1) * strideX + (KW - 1) * dilationX + 1 - left);
}

/** Floats of scratch for each thread of `depthwiseUnitForward`. */
export function depthwiseUnitForwardScratch(
  W: i32, C: i32, KH: i32, KW: i32, strideX: i32, dilationY: i32, dilationX: i32, left: i32, OW: i32,
): i32 {
  return ringRows(KH, dilationY) * paddedWidth(W, left, KW, strideX, dilationX, OW) * C;
}

// The loops along a row take four channels, or eight where WIDE: everything twice, which V8 joins. Both come from one body, with
// `eight` known where it is compiled. Values are joined that are stored side by side, after all loads (see WIDE).

/** The second four of eight channels; nobody reads them where there are only four. */
// @ts-ignore: decorator
@inline
function more(eight: bool, address: usize): v128 {
  return eight ? v128.load(address, 16) : zero();
}

/** Reads ahead once for each cache line of channels. */
// @ts-ignore: decorator
@inline
function readAheadAt(c: i32): void {
  if ((c & 15) == 0) readAhead();
}

/** How often `readAheadAt` reads in `rows` rows. */
// @ts-ignore: decorator
@inline
function turnsOf(rows: i32, C: i32): i32 {
  return rows * ((C + 15) >> 4);
}

/** Bytes of a row of `floats`, or none where the map of `rows` such rows stays in the cache anyway. */
// @ts-ignore: decorator
@inline
function bytesAhead(rows: i32, floats: i32): usize {
  return rows * floats < 1 << 18 ? 0 : <usize>floats << 2;
}

// @ts-ignore: decorator
@inline
function put(eight: bool, address: usize, low: v128, high: v128): void {
  v128.store(address, low);
  if (eight) v128.store(address, high, 16);
}

/** `addRow` from one channel on, for filters five wide. */
// @ts-ignore: decorator
@inline
function addRow5From(eight: bool, p: usize, f: usize, o: usize, OW: i32, pixel: usize, step: usize, tap: usize, isFirst: bool): void {
  const w0 = v128.load(f), w1 = v128.load(f + pixel), w2 = v128.load(f + 2 * pixel), w3 = v128.load(f + 3 * pixel), w4 = v128.load(f + 4 * pixel);
  const v0 = more(eight, f), v1 = more(eight, f + pixel), v2 = more(eight, f + 2 * pixel), v3 = more(eight, f + 3 * pixel), v4 = more(eight, f + 4 * pixel);
  for (let ox = 0; ox < OW; ox++) {
    const before = isFirst ? zero() : v128.load(o), before2 = isFirst ? zero() : more(eight, o);
    const a = madd(v128.load(p + 2 * tap), w2, madd(v128.load(p + tap), w1, madd(v128.load(p), w0, before)));
    const c = madd(more(eight, p + 2 * tap), v2, madd(more(eight, p + tap), v1, madd(more(eight, p), v0, before2)));
    const b = madd(v128.load(p + 4 * tap), w4, f32x4.mul(v128.load(p + 3 * tap), w3));
    const d = madd(more(eight, p + 4 * tap), v4, f32x4.mul(more(eight, p + 3 * tap), v3));
    put(eight, o, f32x4.add(a, b), f32x4.add(c, d));
    o += pixel;
    p += step;
  }
}

/** out[ox] (+)= Σⱼ row[ox · stride + j · dilation] · w[j], for all channels of one output row. */
function addRow(row: usize, w: usize, out: usize, OW: i32, C: i32, KW: i32, strideX: i32, dilationX: i32, isFirst: bool): void {
  const pixel = <usize>C << 2;
  const step = pixel * strideX;
  const tap = pixel * dilationX;
  let c = 0;
  if (WIDE && KW == 5) {
    // Which row is the first must be known where it is compiled: loads of two blocks are not joined.
    if (isFirst) for (; c + 8 <= C; c += 8) {
      readAheadAt(c);
      addRow5From(true, at(row, c), at(w, c), at(out, c), OW, pixel, step, tap, true);
    } else for (; c + 8 <= C; c += 8) {
      readAheadAt(c);
      addRow5From(true, at(row, c), at(w, c), at(out, c), OW, pixel, step, tap, false);
    }
  }
  for (; c < C; c += 4) {
    readAheadAt(c);
    let o = at(out, c);
    let p = at(row, c);
    const f = at(w, c);
    if (KW == 3) {
      const w0 = v128.load(f), w1 = v128.load(f + pixel), w2 = v128.load(f + 2 * pixel);
      for (let ox = 0; ox < OW; ox++) {
        const before = isFirst ? zero() : v128.load(o);
        v128.store(o, madd(v128.load(p + 2 * tap), w2, madd(v128.load(p + tap), w1, madd(v128.load(p), w0, before))));
        o += pixel;
        p += step;
      }
    } else if (KW == 5) addRow5From(false, p, f, o, OW, pixel, step, tap, isFirst);
    else {
      for (let ox = 0; ox < OW; ox++) {
        let a = isFirst ? zero() : v128.load(o);
        for (let j = 0; j < KW; j++) a = madd(v128.load(p + tap * j), v128.load(f + pixel * j), a);
        v128.store(o, a);
        o += pixel;
        p += step;
      }
    }
  }
}

/** `threeRows` from one channel on. */
// @ts-ignore: decorator
@inline
function threeRowsFrom(eight: bool, p: usize, q: usize, r: usize, f: usize, o: usize, OW: i32, pixel: usize, step: usize): void {
  const w0 = v128.load(f), w1 = v128.load(f + pixel), w2 = v128.load(f + 2 * pixel), w3 = v128.load(f + 3 * pixel), w4 = v128.load(f + 4 * pixel);
  const w5 = v128.load(f + 5 * pixel), w6 = v128.load(f + 6 * pixel), w7 = v128.load(f + 7 * pixel), w8 = v128.load(f + 8 * pixel);
  const v0 = more(eight, f), v1 = more(eight, f + pixel), v2 = more(eight, f + 2 * pixel), v3 = more(eight, f + 3 * pixel), v4 = more(eight, f + 4 * pixel);
  const v5 = more(eight, f + 5 * pixel), v6 = more(eight, f + 6 * pixel), v7 = more(eight, f + 7 * pixel), v8 = more(eight, f + 8 * pixel);
  for (let ox = 0; ox < OW; ox++) {
    let a = f32x4.mul(v128.load(p), w0), c = f32x4.mul(more(eight, p), v0);
    let b = f32x4.mul(v128.load(q), w3), d = f32x4.mul(more(eight, q), v3);
    a = madd(v128.load(p + pixel), w1, a); c = madd(more(eight, p + pixel), v1, c);
    b = madd(v128.load(q + pixel), w4, b); d = madd(more(eight, q + pixel), v4, d);
    a = madd(v128.load(p + 2 * pixel), w2, a); c = madd(more(eight, p + 2 * pixel), v2, c);
    b = madd(v128.load(q + 2 * pixel), w5, b); d = madd(more(eight, q + 2 * pixel), v5, d);
    a = madd(v128.load(r), w6, a); c = madd(more(eight, r), v6, c);
    b = madd(v128.load(r + pixel), w7, b); d = madd(more(eight, r + pixel), v7, d);
    a = madd(v128.load(r + 2 * pixel), w8, a); c = madd(more(eight, r + 2 * pixel), v8, c);
    put(eight, o, f32x4.add(a, b), f32x4.add(c, d));
    p += step;
    q += step;
    r += step;
    o += pixel;
  }
}

/** A whole 3 × 3 filter at once, not dilated: out[ox] = Σ rows r0, r1, r2. */
function threeRows(r0: usize, r1: usize, r2: usize, w: usize, out: usize, OW: i32, C: i32, strideX: i32): void {
  const pixel = <usize>C << 2;
  const step = pixel * strideX;
  let c = 0;
  if (WIDE) {
    for (; c + 8 <= C; c += 8) {
      readAheadAt(c);
      threeRowsFrom(true, at(r0, c), at(r1, c), at(r2, c), at(w, c), at(out, c), OW, pixel, step);
    }
  }
  for (; c < C; c += 4) {
    readAheadAt(c);
    threeRowsFrom(false, at(r0, c), at(r1, c), at(r2, c), at(w, c), at(out, c), OW, pixel, step);
  }
}

/**
 * z = depthwise(a(x)), and each thread's Σz, Σz² in sums [threads][2][C] float64 (0: none). In inference `outFactors`
 * [2][C] (0: none) and `outActivation` finish the output at once. Threads share the output rows.
 */
export function depthwiseUnitForward(
  x: usize, inFactors: usize, inActivation: i32, outFactors: usize, outActivation: i32, w: usize, z: usize, sums: usize, scratch: usize, batch: i32, H: i32, W: i32,
  C: i32, KH: i32, KW: i32, strideY: i32, strideX: i32, dilationY: i32, dilationX: i32, top: i32, left: i32, OH: i32, OW: i32,
  thread: i32, threads: i32,
): void {
  const R = ringRows(KH, dilationY);
  const width = paddedWidth(W, left, KW, strideX, dilationX, OW);
  const ring = at(scratch, thread * R * width * C);
  memory.fill(ring, 0, <usize>(R * width * C) << 2);
  const own = sumsOf(sums, C, thread);
  if (sums) memory.fill(own, 0, <usize>C << 4);
  const last = shareStart(batch * OH, 1, thread + 1, threads);
  const isPlain3 = KH == 3 && KW == 3 && dilationY == 1 && dilationX == 1;
  let image = -1, next = 0;
  for (let r = shareStart(batch * OH, 1, thread, threads); r < last; r++) {
    const y0 = (r % OH) * strideY;
    if (r / OH != image) {
      image = r / OH;
      next = y0;
    }
    // Ring rows count from −top.
    for (next = max<i32>(next, y0); next < y0 + R; next++) {
      const target = at(ring, ((next % R) * width + left) * C);
      const y = next - top;
      if (y < 0 || y >= H) memory.fill(target, 0, <usize>(W * C) << 2);
      else {
        const source = at(x, (image * H + y) * W * C);
        if (inFactors) activateRows(source, target, W, C, inFactors, inActivation);
        else memory.copy(target, source, <usize>(W * C) << 2);
      }
    }
    const out = at(z, r * OW * C);
    const unread = image * H + min<i32>(max<i32>(next - top, 0), H);
    const rowsAhead = min<i32>(strideY, batch * H - unread);
    const outAhead = r + 1 < last ? bytesAhead(batch * OH, OW * C) : 0;
    startReadingAhead(
      turnsOf(isPlain3 ? 1 : KH, C), at(x, unread * W * C), bytesAhead(batch * H, W * C) * rowsAhead, at(out, OW * C), outAhead, 0, 0, 0, 0,
    );
    if (isPlain3) {
      threeRows(
        at(ring, (y0 % 3) * width * C), at(ring, ((y0 + 1) % 3) * width * C), at(ring, ((y0 + 2) % 3) * width * C), w, out, OW, C, strideX,
      );
    } else {
      for (let i = 0; i < KH; i++) {
        addRow(at(ring, ((y0 + i * dilationY) % R) * width * C), at(w, i * KW * C), out, OW, C, KW, strideX, dilationX, i == 0);
      }
    }
    if (sums) addSums(out, OW, C, own);
    if (outFactors) activateRows(out, out, OW, C, outFactors, outActivation);
  }
}

/** Rows of dz that the rows of one filter height touch, and one more. */
// @ts-ignore: decorator
@inline
function gradientRingRows(KH: i32, strideY: i32, dilationY: i32): i32 {
  return ((KH - 1) * dilationY) / strideY + 2;
}

/** Floats of scratch for each thread of `depthwiseUnitBackward`; the filter's gradient [KH·KW, C] lies in front. */
export function depthwiseUnitBackwardScratch(
  W: i32, C: i32, KH: i32, KW: i32, strideY: i32, strideX: i32, dilationY: i32, dilationX: i32, left: i32, OW: i32,
): i32 {
  const R = gradientRingRows(KH, strideY, dilationY);
  return KH * KW * C + R * OW * C + 2 * paddedWidth(W, left, KW, strideX, dilationX, OW) * C + ((R + 3) & ~3);
}

/** `backwardRow3` from one channel on. */
// @ts-ignore: decorator
@inline
function backwardRow3From(eight: bool, g: usize, p: usize, q: usize, f: usize, d: usize, OW: i32, pixel: usize, strideX: i32): void {
  const w0 = v128.load(f), w1 = v128.load(f + pixel), w2 = v128.load(f + 2 * pixel);
  const v0 = more(eight, f), v1 = more(eight, f + pixel), v2 = more(eight, f + 2 * pixel);
  let s0 = v128.load(d), s1 = v128.load(d + pixel), s2 = v128.load(d + 2 * pixel);
  let t0 = more(eight, d), t1 = more(eight, d + pixel), t2 = more(eight, d + 2 * pixel);
  let a0 = v128.load(p), b0 = more(eight, p);
  let x0 = v128.load(q), y0 = more(eight, q);
  if (strideX == 1) {
    let a1 = v128.load(p + pixel), b1 = more(eight, p + pixel);
    let x1 = v128.load(q + pixel), y1 = more(eight, q + pixel);
    for (let ox = 0; ox < OW; ox++) {
      const low = v128.load(g), high = more(eight, g);
      const a2 = v128.load(p + 2 * pixel), b2 = more(eight, p + 2 * pixel);
      s0 = madd(low, a0, s0); t0 = madd(high, b0, t0);
      s1 = madd(low, a1, s1); t1 = madd(high, b1, t1);
      s2 = madd(low, a2, s2); t2 = madd(high, b2, t2);
      const x2 = v128.load(q + 2 * pixel), y2 = more(eight, q + 2 * pixel);
      put(eight, q, madd(low, w0, x0), madd(high, v0, y0));
      x0 = madd(low, w1, x1); y0 = madd(high, v1, y1);
      x1 = madd(low, w2, x2); y1 = madd(high, v2, y2);
      a0 = a1; b0 = b1;
      a1 = a2; b1 = b2;
      g += pixel;
      p += pixel;
      q += pixel;
    }
    put(eight, q, x0, y0);
    put(eight, q + pixel, x1, y1);
  } else {
    for (let ox = 0; ox < OW; ox++) {
      const low = v128.load(g), high = more(eight, g);
      const a1 = v128.load(p + pixel), b1 = more(eight, p + pixel);
      const a2 = v128.load(p + 2 * pixel), b2 = more(eight, p + 2 * pixel);
      const x1 = v128.load(q + pixel), y1 = more(eight, q + pixel);
      const x2 = v128.load(q + 2 * pixel), y2 = more(eight, q + 2 * pixel);
      s0 = madd(low, a0, s0); t0 = madd(high, b0, t0);
      s1 = madd(low, a1, s1); t1 = madd(high, b1, t1);
      s2 = madd(low, a2, s2); t2 = madd(high, b2, t2);
      put(eight, q, madd(low, w0, x0), madd(high, v0, y0));
      put(eight, q + pixel, madd(low, w1, x1), madd(high, v1, y1));
      x0 = madd(low, w2, x2); y0 = madd(high, v2, y2);
      a0 = a2; b0 = b2;
      g += pixel;
      p += 2 * pixel;
      q += 2 * pixel;
    }
    put(eight, q, x0, y0);
  }
  put(eight, d, s0, t0);
  put(eight, d + pixel, s1, t1);
  put(eight, d + 2 * pixel, s2, t2);
}

/**
 * One row of dz and one of the input: dx[ox · stride + j] += dz[ox] · w[j] and dw[j] += dz[ox] · a[ox · stride + j].
 * dx is carried in registers along the row, because a value stored is slow to load again at once.
 */
function backwardRow3(dz: usize, a: usize, dx: usize, w: usize, dw: usize, OW: i32, C: i32, strideX: i32): void {
  const pixel = <usize>C << 2;
  let c = 0;
  if (WIDE) {
    for (; c + 8 <= C; c += 8) {
      readAheadAt(c);
      backwardRow3From(true, at(dz, c), at(a, c), at(dx, c), at(w, c), at(dw, c), OW, pixel, strideX);
    }
  }
  for (; c < C; c += 4) {
    readAheadAt(c);
    backwardRow3From(false, at(dz, c), at(a, c), at(dx, c), at(w, c), at(dw, c), OW, pixel, strideX);
  }
}

/** `backwardRow5` from one channel on. */
// @ts-ignore: decorator
@inline
function backwardRow5From(eight: bool, dz: usize, p: usize, q: usize, f: usize, d: usize, OW: i32, pixel: usize, step: usize, strideX: i32): void {
  let g = dz;
  let s0 = v128.load(d), s1 = v128.load(d + pixel), s2 = v128.load(d + 2 * pixel), s3 = v128.load(d + 3 * pixel), s4 = v128.load(d + 4 * pixel);
  let t0 = more(eight, d), t1 = more(eight, d + pixel), t2 = more(eight, d + 2 * pixel), t3 = more(eight, d + 3 * pixel), t4 = more(eight, d + 4 * pixel);
  for (let ox = 0; ox < OW; ox++) {
    const low = v128.load(g), high = more(eight, g);
    s0 = madd(low, v128.load(p), s0); t0 = madd(high, more(eight, p), t0);
    s1 = madd(low, v128.load(p + pixel), s1); t1 = madd(high, more(eight, p + pixel), t1);
    s2 = madd(low, v128.load(p + 2 * pixel), s2); t2 = madd(high, more(eight, p + 2 * pixel), t2);
    s3 = madd(low, v128.load(p + 3 * pixel), s3); t3 = madd(high, more(eight, p + 3 * pixel), t3);
    s4 = madd(low, v128.load(p + 4 * pixel), s4); t4 = madd(high, more(eight, p + 4 * pixel), t4);
    g += pixel;
    p += step;
  }
  put(eight, d, s0, t0);
  put(eight, d + pixel, s1, t1);
  put(eight, d + 2 * pixel, s2, t2);
  put(eight, d + 3 * pixel, s3, t3);
  put(eight, d + 4 * pixel, s4, t4);
  const w0 = v128.load(f), w1 = v128.load(f + pixel), w2 = v128.load(f + 2 * pixel), w3 = v128.load(f + 3 * pixel), w4 = v128.load(f + 4 * pixel);
  const v0 = more(eight, f), v1 = more(eight, f + pixel), v2 = more(eight, f + 2 * pixel), v3 = more(eight, f + 3 * pixel), v4 = more(eight, f + 4 * pixel);
  g = dz;
  let x0 = v128.load(q), x1 = v128.load(q + pixel), x2 = v128.load(q + 2 * pixel);
  let y0 = more(eight, q), y1 = more(eight, q + pixel), y2 = more(eight, q + 2 * pixel);
  if (strideX == 1) {
    let x3 = v128.load(q + 3 * pixel), y3 = more(eight, q + 3 * pixel);
    for (let ox = 0; ox < OW; ox++) {
      const low = v128.load(g), high = more(eight, g);
      const x4 = v128.load(q + 4 * pixel), y4 = more(eight, q + 4 * pixel);
      put(eight, q, madd(low, w0, x0), madd(high, v0, y0));
      x0 = madd(low, w1, x1); y0 = madd(high, v1, y1);
      x1 = madd(low, w2, x2); y1 = madd(high, v2, y2);
      x2 = madd(low, w3, x3); y2 = madd(high, v3, y3);
      x3 = madd(low, w4, x4); y3 = madd(high, v4, y4);
      g += pixel;
      q += pixel;
    }
    put(eight, q + 3 * pixel, x3, y3);
  } else {
    for (let ox = 0; ox < OW; ox++) {
      const low = v128.load(g), high = more(eight, g);
      const x3 = v128.load(q + 3 * pixel), y3 = more(eight, q + 3 * pixel);
      const x4 = v128.load(q + 4 * pixel), y4 = more(eight, q + 4 * pixel);
      put(eight, q, madd(low, w0, x0), madd(high, v0, y0));
      put(eight, q + pixel, madd(low, w1, x1), madd(high, v1, y1));
      x0 = madd(low, w2, x2); y0 = madd(high, v2, y2);
      x1 = madd(low, w3, x3); y1 = madd(high, v3, y3);
      x2 = madd(low, w4, x4); y2 = madd(high, v4, y4);
      g += pixel;
      q += step;
    }
  }
  put(eight, q, x0, y0);
  put(eight, q + pixel, x1, y1);
  put(eight, q + 2 * pixel, x2, y2);
}

/**
 * The same for filters five wide, in two loops along the row: filter, sums and what is carried of dx would together not fit
 * into the registers.
 */
function backwardRow5(dz: usize, a: usize, dx: usize, w: usize, dw: usize, OW: i32, C: i32, strideX: i32): void {
  const pixel = <usize>C << 2;
  const step = pixel * strideX;
  let c = 0;
  if (WIDE) {
    for (; c + 8 <= C; c += 8) {
      readAheadAt(c);
      backwardRow5From(true, at(dz, c), at(a, c), at(dx, c), at(w, c), at(dw, c), OW, pixel, step, strideX);
    }
  }
  for (; c < C; c += 4) {
    readAheadAt(c);
    backwardRow5From(false, at(dz, c), at(a, c), at(dx, c), at(w, c), at(dw, c), OW, pixel, step, strideX);
  }
}

/** The same for any filter width, stride and dilation. */
function backwardRow(dz: usize, a: usize, dx: usize, w: usize, dw: usize, OW: i32, C: i32, KW: i32, strideX: i32, dilationX: i32): void {
  const pixel = <usize>C << 2;
  const step = pixel * strideX;
  for (let c = 0; c < C; c += 4) {
    for (let j = 0; j < KW; j++) {
      const weight = v128.load(at(w, j * C + c));
      let sum = v128.load(at(dw, j * C + c));
      let g = at(dz, c), p = at(a, j * dilationX * C + c), q = at(dx, j * dilationX * C + c);
      for (let ox = 0; ox < OW; ox++) {
        const gradient = v128.load(g);
        sum = madd(gradient, v128.load(p), sum);
        v128.store(q, madd(gradient, weight, v128.load(q)));
        g += pixel;
        p += step;
        q += step;
      }
      v128.store(at(dw, j * C + c), sum);
    }
  }
}

/**
 * gIn (the gradient in front of the input's normalisation) with its sums, and each thread's part of the filter's
 * gradient. Threads share the input rows.
 */
export function depthwiseUnitBackward(
  g: usize, z: usize, outFactors: usize, x: usize, inFactors: usize, inMean: usize, inActivation: i32, w: usize, gIn: usize,
  inSums: usize, scratch: usize, batch: i32, H: i32, W: i32, C: i32, KH: i32, KW: i32, strideY: i32, strideX: i32,
  dilationY: i32, dilationX: i32, top: i32, left: i32, OH: i32, OW: i32, thread: i32, threads: i32,
): void {
  const R = gradientRingRows(KH, strideY, dilationY);
  const width = paddedWidth(W, left, KW, strideX, dilationX, OW);
  const rowBytes = <usize>(W * C) << 2;
  const dw = at(scratch, thread * depthwiseUnitBackwardScratch(W, C, KH, KW, strideY, strideX, dilationY, dilationX, left, OW));
  const ring = at(dw, KH * KW * C);
  const a = at(ring, R * OW * C);
  const dx = at(a, width * C);
  /** Which row of dz each slot of the ring holds. */
  const held = at(dx, width * C);
  memory.fill(dw, 0, <usize>(KH * KW * C) << 2);
  memory.fill(a, 0, <usize>(width * C) << 2);
  memory.fill(held, 255, <usize>R << 2);
  const own = sumsOf(inSums, C, thread);
  if (inFactors) memory.fill(own, 0, <usize>C << 4);
  const isFast = (KW == 3 || KW == 5) && dilationX == 1 && strideX <= 2;
  const last = shareStart(batch * H, 1, thread + 1, threads);
  for (let r = shareStart(batch * H, 1, thread, threads); r < last; r++) {
    const image = r / H;
    const input = at(x, r * W * C);
    const middle = at(a, left * C);
    if (inFactors) activateRows(input, middle, W, C, inFactors, inActivation);
    else memory.copy(middle, input, rowBytes);
    memory.fill(dx, 0, <usize>(width * C) << 2);
    // The next row, and the row of dz that it is the first to read, if there is one.
    const ahead = r + 1 < last ? bytesAhead(batch * H, W * C) : 0;
    const y = r % H + top + 1;
    const newRow = image * OH + y / strideY;
    const isNew = y % strideY == 0 && y / strideY < OH && ahead != 0;
    const outAhead = isNew ? <usize>(OW * C) << 2 : 0;
    startReadingAhead(
      turnsOf(max<i32>(1, KH / strideY), C), at(x, (r + 1) * W * C), ahead, at(gIn, (r + 1) * W * C), ahead, at(g, newRow * OW * C), outAhead,
      at(z, newRow * OW * C), outFactors ? outAhead : 0,
    );
    for (let i = 0; i < KH; i++) {
      const ty = (r % H) + top - i * dilationY;
      if (ty < 0 || ty % strideY != 0 || ty / strideY >= OH) continue;
      const row = image * OH + ty / strideY;
      const slot = row % R;
      const dz = at(ring, slot * OW * C);
      if (i32.load(at(held, slot)) != row) {
        const source = <usize>(row * OW * C) << 2;
        if (outFactors) inputGradientRows(g + source, z + source, dz, OW, C, outFactors);
        else memory.copy(dz, g + source, <usize>(OW * C) << 2);
        i32.store(at(held, slot), row);
      }
      const filter = at(w, i * KW * C), filterGradient = at(dw, i * KW * C);
      if (isFast && KW == 3) backwardRow3(dz, a, dx, filter, filterGradient, OW, C, strideX);
      else if (isFast) backwardRow5(dz, a, dx, filter, filterGradient, OW, C, strideX);
      else backwardRow(dz, a, dx, filter, filterGradient, OW, C, KW, strideX, dilationX);
    }
    const out = at(gIn, r * W * C);
    if (inFactors) gradientRows(input, at(dx, left * C), out, inMean, W, C, inFactors, inActivation, own);
    else memory.copy(out, at(dx, left * C), rowBytes);
  }
}

/** out [n] = sum of the threads' parts, `apart` floats behind each other. Threads share the elements; n is a multiple of 4. */
export function sumVectors(parts: usize, apart: i32, out: usize, n: i32, thread: i32, threads: i32): void {
  const last = shareStart(n, 16, thread + 1, threads);
  for (let i = shareStart(n, 16, thread, threads); i < last; i += 4) {
    let total = v128.load(at(parts, i));
    for (let t = 1; t < threads; t++) total = f32x4.add(total, v128.load(at(parts, t * apart + i)));
    v128.store(at(out, i), total);
  }
}
