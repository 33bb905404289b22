// Matrix products from packed panels, after Goto and van de Geijn (2008): A in panels of ROWS rows, B in panels of 8
// columns, both with the depth as the slow axis, so that the inner tile only ever reads forward.
import { readAhead } from "./read-ahead";
import { at, madd, shareStart, WIDE, zero } from "./simd";

/**
 * Rows of a tile. With fused multiply-add, twelve running sums keep both multipliers busy; without it the products need
 * registers of their own, and only eight sums fit into the sixteen that x64 has.
 */
export const ROWS: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 4;
export const COLUMNS: i32 = 8;
/** Rows of A that are worked on at a time: a multiple of 4 and 6; up to 1280 channels the block stays in the second-level cache. */
const STEP: i32 = 48;
/** Most rows of a block: a rest of a few rows, as of 7 x 7 pixels, is not worth another pass over B. */
export const BLOCK: i32 = 60;
/** Threads share rows in runs of this. */
export const GRAIN: i32 = 12;

/** Rows of the next block when `left` are left. */
// @ts-ignore: decorator
@inline
export function blockRows(left: i32): i32 {
  return left <= BLOCK ? left : STEP;
}

function tile4(a: usize, b: usize, depth: i32, out: usize, stride: usize, start: usize, startStride: usize): void {
  const o1 = out + stride;
  const o2 = o1 + stride;
  const o3 = o2 + stride;
  let c00 = zero(), c01 = zero(), c10 = zero(), c11 = zero(), c20 = zero(), c21 = zero(), c30 = zero(), c31 = zero();
  if (start) {
    c00 = v128.load(start); c01 = v128.load(start, 16);
    start += startStride;
    c10 = v128.load(start); c11 = v128.load(start, 16);
    start += startStride;
    c20 = v128.load(start); c21 = v128.load(start, 16);
    start += startStride;
    c30 = v128.load(start); c31 = v128.load(start, 16);
  }
  // One step at a time: V8 moves the loads of a second step in front of the first, and the sums then spill to the stack.
  for (let k = 0; k < depth; k++) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let t = v128.load32_splat(a); c00 = madd(t, b0, c00); c01 = madd(t, b1, c01);
    t = v128.load32_splat(a, 4); c10 = madd(t, b0, c10); c11 = madd(t, b1, c11);
    t = v128.load32_splat(a, 8); c20 = madd(t, b0, c20); c21 = madd(t, b1, c21);
    t = v128.load32_splat(a, 12); c30 = madd(t, b0, c30); c31 = madd(t, b1, c31);
    a += 16;
    b += 32;
  }
  v128.store(out, c00); v128.store(out, c01, 16);
  v128.store(o1, c10); v128.store(o1, c11, 16);
  v128.store(o2, c20); v128.store(o2, c21, 16);
  v128.store(o3, c30); v128.store(o3, c31, 16);
}

// @ts-ignore: decorator
@inline
function tile6(a: usize, b: usize, depth: i32, out: usize, stride: usize, hasStart: bool, start: usize, startStride: usize): void {
  const o1 = out + stride;
  const o2 = o1 + stride;
  const o3 = o2 + stride;
  const o4 = o3 + stride;
  const o5 = o4 + stride;
  let c00 = zero(), c01 = zero(), c10 = zero(), c11 = zero(), c20 = zero(), c21 = zero(), c30 = zero(), c31 = zero(), c40 = zero(), c41 = zero(), c50 = zero(), c51 = zero();
  if (hasStart) {
    c00 = v128.load(start); c01 = v128.load(start, 16);
    start += startStride;
    c10 = v128.load(start); c11 = v128.load(start, 16);
    start += startStride;
    c20 = v128.load(start); c21 = v128.load(start, 16);
    start += startStride;
    c30 = v128.load(start); c31 = v128.load(start, 16);
    start += startStride;
    c40 = v128.load(start); c41 = v128.load(start, 16);
    start += startStride;
    c50 = v128.load(start); c51 = v128.load(start, 16);
  }
  // As in tile4, one step at a time: it needs the fifteen registers there are.
  for (let k = 0; k < depth; k++) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let t = v128.load32_splat(a); c00 = madd(t, b0, c00); c01 = madd(t, b1, c01);
    t = v128.load32_splat(a, 4); c10 = madd(t, b0, c10); c11 = madd(t, b1, c11);
    t = v128.load32_splat(a, 8); c20 = madd(t, b0, c20); c21 = madd(t, b1, c21);
    t = v128.load32_splat(a, 12); c30 = madd(t, b0, c30); c31 = madd(t, b1, c31);
    t = v128.load32_splat(a, 16); c40 = madd(t, b0, c40); c41 = madd(t, b1, c41);
    t = v128.load32_splat(a, 20); c50 = madd(t, b0, c50); c51 = madd(t, b1, c51);
    a += 24;
    b += 32;
  }
  v128.store(out, c00); v128.store(out, c01, 16);
  v128.store(o1, c10); v128.store(o1, c11, 16);
  v128.store(o2, c20); v128.store(o2, c21, 16);
  v128.store(o3, c30); v128.store(o3, c31, 16);
  v128.store(o4, c40); v128.store(o4, c41, 16);
  v128.store(o5, c50); v128.store(o5, c51, 16);
}

function sixRows(a: usize, b: usize, depth: i32, out: usize, stride: usize, start: usize, startStride: usize): void {
  if (!WIDE) tile6(a, b, depth, out, stride, start != 0, start, startStride);
  // What the compiler knows; see `twoTiles`.
  else if (start) tile6(a, b, depth, out, stride, true, start, startStride);
  else tile6(a, b, depth, out, stride, false, 0, 0);
}

/**
 * Two tiles of six rows beside each other, for 256-bit registers (see WIDE): twelve sums of eight. The second panel of B
 * lies `apart` bytes behind the first. Loads are joined where they lie in one block of the program, so the compiler must
 * know whether there is a start.
 */
// @ts-ignore: decorator
@inline
function twoTiles(
  a: usize, b: usize, apart: usize, depth: i32, out: usize, stride: usize, hasStart: bool, start: usize, startStride: usize,
): void {
  let d = b + apart;
  let c00 = zero(), c01 = zero(), c02 = zero(), c03 = zero();
  let c10 = zero(), c11 = zero(), c12 = zero(), c13 = zero();
  let c20 = zero(), c21 = zero(), c22 = zero(), c23 = zero();
  let c30 = zero(), c31 = zero(), c32 = zero(), c33 = zero();
  let c40 = zero(), c41 = zero(), c42 = zero(), c43 = zero();
  let c50 = zero(), c51 = zero(), c52 = zero(), c53 = zero();
  if (hasStart) {
    c00 = v128.load(start); c01 = v128.load(start, 16); c02 = v128.load(start, 32); c03 = v128.load(start, 48);
    start += startStride;
    c10 = v128.load(start); c11 = v128.load(start, 16); c12 = v128.load(start, 32); c13 = v128.load(start, 48);
    start += startStride;
    c20 = v128.load(start); c21 = v128.load(start, 16); c22 = v128.load(start, 32); c23 = v128.load(start, 48);
    start += startStride;
    c30 = v128.load(start); c31 = v128.load(start, 16); c32 = v128.load(start, 32); c33 = v128.load(start, 48);
    start += startStride;
    c40 = v128.load(start); c41 = v128.load(start, 16); c42 = v128.load(start, 32); c43 = v128.load(start, 48);
    start += startStride;
    c50 = v128.load(start); c51 = v128.load(start, 16); c52 = v128.load(start, 32); c53 = v128.load(start, 48);
  }
  for (let k = 0; k < depth; k++) {
    const b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(d), b3 = v128.load(d, 16);
    let t = v128.load32_splat(a); c00 = madd(t, b0, c00); c01 = madd(t, b1, c01); c02 = madd(t, b2, c02); c03 = madd(t, b3, c03);
    t = v128.load32_splat(a, 4); c10 = madd(t, b0, c10); c11 = madd(t, b1, c11); c12 = madd(t, b2, c12); c13 = madd(t, b3, c13);
    t = v128.load32_splat(a, 8); c20 = madd(t, b0, c20); c21 = madd(t, b1, c21); c22 = madd(t, b2, c22); c23 = madd(t, b3, c23);
    t = v128.load32_splat(a, 12); c30 = madd(t, b0, c30); c31 = madd(t, b1, c31); c32 = madd(t, b2, c32); c33 = madd(t, b3, c33);
    t = v128.load32_splat(a, 16); c40 = madd(t, b0, c40); c41 = madd(t, b1, c41); c42 = madd(t, b2, c42); c43 = madd(t, b3, c43);
    t = v128.load32_splat(a, 20); c50 = madd(t, b0, c50); c51 = madd(t, b1, c51); c52 = madd(t, b2, c52); c53 = madd(t, b3, c53);
    a += 24;
    b += 32;
    d += 32;
  }
  v128.store(out, c00); v128.store(out, c01, 16); v128.store(out, c02, 32); v128.store(out, c03, 48);
  out += stride;
  v128.store(out, c10); v128.store(out, c11, 16); v128.store(out, c12, 32); v128.store(out, c13, 48);
  out += stride;
  v128.store(out, c20); v128.store(out, c21, 16); v128.store(out, c22, 32); v128.store(out, c23, 48);
  out += stride;
  v128.store(out, c30); v128.store(out, c31, 16); v128.store(out, c32, 32); v128.store(out, c33, 48);
  out += stride;
  v128.store(out, c40); v128.store(out, c41, 16); v128.store(out, c42, 32); v128.store(out, c43, 48);
  out += stride;
  v128.store(out, c50); v128.store(out, c51, 16); v128.store(out, c52, 32); v128.store(out, c53, 48);
}

function wideTile(a: usize, b: usize, apart: usize, depth: i32, out: usize, stride: usize): void {
  twoTiles(a, b, apart, depth, out, stride, false, 0, 0);
}

function wideTileFrom(a: usize, b: usize, apart: usize, depth: i32, out: usize, stride: usize, start: usize, startStride: usize): void {
  twoTiles(a, b, apart, depth, out, stride, true, start, startStride);
}

/** out[ROWS][8] (strides in bytes) = A panel · B panel + start[ROWS][8] (0: none). A start's stride of 0 adds one row to all. */
// @ts-ignore: decorator
@inline
function tile(a: usize, b: usize, depth: i32, out: usize, stride: usize, start: usize, startStride: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) sixRows(a, b, depth, out, stride, start, startStride);
  else tile4(a, b, depth, out, stride, start, startStride);
}

/** A value between two others; NaN stays NaN. */
// @ts-ignore: decorator
@inline
function clamp(value: v128, low: v128, high: v128): v128 {
  return f32x4.pmin(f32x4.pmax(value, low), high);
}

/** Clamps a finished tile while it is in the cache. */
function clampTile(out: usize, stride: usize, low: f32, high: f32): void {
  const lows = f32x4.splat(low), highs = f32x4.splat(high);
  for (let i = 0; i < ROWS; i++) {
    v128.store(out, clamp(v128.load(out), lows, highs));
    v128.store(out, clamp(v128.load(out, 16), lows, highs), 16);
    out += stride;
  }
}

/** Copies the valid corner of a finished tile. */
function copyCorner(from: usize, to: usize, stride: usize, rows: i32, columns: i32): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) f32.store(at(to, j), f32.load(at(from, i * COLUMNS + j)));
    to += stride;
  }
}

/** Packs B into ⌈N/8⌉ panels [K][8], padded with zeros. B is [K, N], or [N, K] when `transposed`. Threads share the panels. */
export function packB(B: usize, K: i32, N: i32, transposed: i32, P: usize, thread: i32, threads: i32): void {
  const first = shareStart(N, COLUMNS, thread, threads);
  const last = shareStart(N, COLUMNS, thread + 1, threads);
  for (let n = first; n < last; n += COLUMNS) {
    let p = at(P, n * K);
    const width = min<i32>(COLUMNS, N - n);
    if (transposed) {
      let k = 0;
      if (width == COLUMNS) {
        for (; k + 4 <= K; k += 4) {
          transpose4(at(B, n * K + k), <usize>K << 2, p, 32);
          transpose4(at(B, (n + 4) * K + k), <usize>K << 2, p + 16, 32);
          p += 128;
        }
      }
      for (; k < K; k++) {
        for (let j = 0; j < COLUMNS; j++) f32.store(at(p, j), j < width ? f32.load(at(B, (n + j) * K + k)) : 0);
        p += 32;
      }
    } else if (width == COLUMNS) {
      let b = at(B, n);
      for (let k = 0; k < K; k++) {
        // Both loads in front of both stores, or they are not joined (see WIDE).
        const low = v128.load(b), high = v128.load(b, 16);
        v128.store(p, low);
        v128.store(p, high, 16);
        p += 32;
        b += <usize>N << 2;
      }
    } else {
      for (let k = 0; k < K; k++) {
        for (let j = 0; j < COLUMNS; j++) f32.store(at(p, j), j < width ? f32.load(at(B, k * N + n + j)) : 0);
        p += 32;
      }
    }
  }
}

/** Four rows of four values, `rowBytes` apart, to four columns `columnBytes` apart. */
// @ts-ignore: decorator
@inline
function transpose4(rows: usize, rowBytes: usize, columns: usize, columnBytes: usize): void {
  const a = v128.load(rows), b = v128.load(rows + rowBytes), c = v128.load(rows + 2 * rowBytes), d = v128.load(rows + 3 * rowBytes);
  const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5), ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const cd0 = v128.shuffle<f32>(c, d, 0, 4, 1, 5), cd1 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(columns, v128.shuffle<i64>(ab0, cd0, 0, 2));
  v128.store(columns + columnBytes, v128.shuffle<i64>(ab0, cd0, 1, 3));
  v128.store(columns + 2 * columnBytes, v128.shuffle<i64>(ab1, cd1, 0, 2));
  v128.store(columns + 3 * columnBytes, v128.shuffle<i64>(ab1, cd1, 1, 3));
}

/** Four values each of ROWS rows to four steps of a panel of A. */
// @ts-ignore: decorator
@inline
function packFour(a: v128, b: v128, c: v128, d: v128, e: v128, f: v128, P: usize): void {
  const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5), ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const cd0 = v128.shuffle<f32>(c, d, 0, 4, 1, 5), cd1 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  if (ASC_FEATURE_RELAXED_SIMD) {
    const ef0 = v128.shuffle<f32>(e, f, 0, 4, 1, 5), ef1 = v128.shuffle<f32>(e, f, 2, 6, 3, 7);
    v128.store(P, v128.shuffle<i64>(ab0, cd0, 0, 2));
    v128.store64_lane(P, ef0, 0, 16);
    v128.store(P, v128.shuffle<i64>(ab0, cd0, 1, 3), 24);
    v128.store64_lane(P, ef0, 1, 40);
    v128.store(P, v128.shuffle<i64>(ab1, cd1, 0, 2), 48);
    v128.store64_lane(P, ef1, 0, 64);
    v128.store(P, v128.shuffle<i64>(ab1, cd1, 1, 3), 72);
    v128.store64_lane(P, ef1, 1, 88);
  } else {
    v128.store(P, v128.shuffle<i64>(ab0, cd0, 0, 2));
    v128.store(P, v128.shuffle<i64>(ab0, cd0, 1, 3), 16);
    v128.store(P, v128.shuffle<i64>(ab1, cd1, 0, 2), 32);
    v128.store(P, v128.shuffle<i64>(ab1, cd1, 1, 3), 48);
  }
}

/** Packs `rows` rows of A [·, K] into panels [K][ROWS]; missing rows repeat the last one. */
export function packRows(A: usize, K: i32, rows: i32, P: usize): void {
  for (let m = 0; m < rows; m += ROWS) {
    let r0 = at(A, m * K);
    let r1 = at(A, min<i32>(m + 1, rows - 1) * K);
    let r2 = at(A, min<i32>(m + 2, rows - 1) * K);
    let r3 = at(A, min<i32>(m + 3, rows - 1) * K);
    let r4 = ASC_FEATURE_RELAXED_SIMD ? at(A, min<i32>(m + 4, rows - 1) * K) : 0;
    let r5 = ASC_FEATURE_RELAXED_SIMD ? at(A, min<i32>(m + 5, rows - 1) * K) : 0;
    let k = 0;
    for (; k + 4 <= K; k += 4) {
      packFour(v128.load(r0), v128.load(r1), v128.load(r2), v128.load(r3), v128.load(r4), v128.load(r5), P);
      r0 += 16; r1 += 16; r2 += 16; r3 += 16; r4 += 16; r5 += 16;
      P += ROWS << 4;
    }
    for (; k < K; k++) {
      f32.store(P, f32.load(r0));
      f32.store(P, f32.load(r1), 4);
      f32.store(P, f32.load(r2), 8);
      f32.store(P, f32.load(r3), 12);
      if (ASC_FEATURE_RELAXED_SIMD) {
        f32.store(P, f32.load(r4), 16);
        f32.store(P, f32.load(r5), 20);
      }
      r0 += 4; r1 += 4; r2 += 4; r3 += 4; r4 += 4; r5 += 4;
      P += ROWS << 2;
    }
  }
}

/** Normalised by factors [2][K] on the way, and clamped: K a multiple of 4. */
export function packNormalRows(A: usize, K: i32, rows: i32, P: usize, factors: usize, low: f32, high: f32): void {
  const lows = f32x4.splat(low), highs = f32x4.splat(high);
  const row = <usize>K << 2;
  for (let m = 0; m < rows; m += ROWS) {
    const r0 = at(A, m * K);
    const r1 = at(A, min<i32>(m + 1, rows - 1) * K);
    const r2 = at(A, min<i32>(m + 2, rows - 1) * K);
    const r3 = at(A, min<i32>(m + 3, rows - 1) * K);
    const r4 = ASC_FEATURE_RELAXED_SIMD ? at(A, min<i32>(m + 4, rows - 1) * K) : r3;
    const r5 = ASC_FEATURE_RELAXED_SIMD ? at(A, min<i32>(m + 5, rows - 1) * K) : r3;
    for (let k: usize = 0; k < row; k += 16) {
      const scale = v128.load(factors + k), shift = v128.load(factors + row + k);
      packFour(
        clamp(madd(v128.load(r0 + k), scale, shift), lows, highs), clamp(madd(v128.load(r1 + k), scale, shift), lows, highs),
        clamp(madd(v128.load(r2 + k), scale, shift), lows, highs), clamp(madd(v128.load(r3 + k), scale, shift), lows, highs),
        clamp(madd(v128.load(r4 + k), scale, shift), lows, highs), clamp(madd(v128.load(r5 + k), scale, shift), lows, highs), P,
      );
      P += ROWS << 4;
    }
  }
}

/** The same from panels [K/8][BLOCK][8] (see `columnPanels`), K a multiple of 4. */
export function packRowsOfPanels(A: usize, K: i32, rows: i32, P: usize): void {
  for (let m = 0; m < rows; m += ROWS) {
    for (let k = 0; k < K; k += 4) {
      const column = at(A, (k >> 3) * (BLOCK * COLUMNS) + (k & 7));
      packFour(
        v128.load(at(column, m * COLUMNS)), v128.load(at(column, min<i32>(m + 1, rows - 1) * COLUMNS)),
        v128.load(at(column, min<i32>(m + 2, rows - 1) * COLUMNS)), v128.load(at(column, min<i32>(m + 3, rows - 1) * COLUMNS)),
        v128.load(at(column, min<i32>(m + 4, rows - 1) * COLUMNS)), v128.load(at(column, min<i32>(m + 5, rows - 1) * COLUMNS)), P,
      );
      P += ROWS << 4;
    }
  }
}

/** `rows` rows of A [·, M] to panels [⌈M/ROWS⌉][BLOCK][ROWS], padded with zeros: the left side of Aᵀ · B. */
export function rowPanels(A: usize, M: i32, rows: i32, P: usize): void {
  for (let k = 0; k < rows; k++) {
    let source = at(A, k * M);
    let target = at(P, k * ROWS);
    let m = 0;
    for (; m + ROWS <= M; m += ROWS) {
      v128.store(target, v128.load(source));
      if (ASC_FEATURE_RELAXED_SIMD) f64.store(target, f64.load(source, 16), 16);
      source += ROWS << 2;
      target += <usize>(ROWS * BLOCK) << 2;
    }
    for (let j = 0; m < M && j < ROWS; j++) f32.store(at(target, j), m + j < M ? f32.load(at(source, j)) : 0);
  }
}

/** The same, normalised by factors [2][M] on the way, and clamped: M a multiple of 4. */
export function normalRowPanels(A: usize, M: i32, rows: i32, P: usize, factors: usize, low: f32, high: f32): void {
  const lows = f32x4.splat(low), highs = f32x4.splat(high);
  const row = <usize>M << 2;
  const panel = <usize>(ROWS * BLOCK) << 2;
  // Six channels are four, and four that begin with the third.
  for (let r = 0; r < rows; r++) {
    const end = A + row;
    let target = at(P, r * ROWS);
    let factor = factors;
    for (; A + (ROWS << 2) <= end; A += ROWS << 2) {
      v128.store(target, clamp(madd(v128.load(A), v128.load(factor), v128.load(factor + row)), lows, highs));
      if (ASC_FEATURE_RELAXED_SIMD) {
        v128.store(target, clamp(madd(v128.load(A, 8), v128.load(factor, 8), v128.load(factor + row, 8)), lows, highs), 8);
      }
      factor += ROWS << 2;
      target += panel;
    }
    if (A < end) {
      // Four channels are left, or two.
      const isPair = A + 8 == end;
      const value = isPair ? v128.load64_zero(A) : v128.load(A);
      const scale = isPair ? v128.load64_zero(factor) : v128.load(factor);
      const shift = isPair ? v128.load64_zero(factor + row) : v128.load(factor + row);
      v128.store(target, clamp(madd(value, scale, shift), lows, highs));
      f64.store(target, 0, 16);
      A = end;
    }
  }
}

/** `rows` rows of B [·, N] to panels [⌈N/8⌉][BLOCK][8], padded with zeros. */
export function columnPanels(B: usize, N: i32, rows: i32, P: usize): void {
  for (let k = 0; k < rows; k++) {
    let source = at(B, k * N);
    let target = at(P, k * COLUMNS);
    let n = 0;
    for (; n + COLUMNS <= N; n += COLUMNS) {
      const low = v128.load(source), high = v128.load(source, 16);
      v128.store(target, low);
      v128.store(target, high, 16);
      source += 32;
      target += <usize>(COLUMNS * BLOCK) << 2;
    }
    for (let j = 0; n < N && j < COLUMNS; j++) f32.store(at(target, j), n + j < N ? f32.load(at(source, j)) : 0);
  }
}

/** M rounded up to whole tiles. */
// @ts-ignore: decorator
@inline
export function tileRows(M: i32): i32 {
  return ((M + ROWS - 1) / ROWS) * ROWS;
}

// @ts-ignore: decorator
@inline
export function tileColumns(N: i32): i32 {
  return (N + 7) & ~7;
}

/** Whether the panel of columns from `n` on is the first of two whole ones that a wide tile takes together. */
// @ts-ignore: decorator
@inline
function isFirstOfTwo(n: i32, N: i32): bool {
  return (n & COLUMNS) == 0 && n + 2 * COLUMNS <= N;
}

/** Whether whole tiles of this panel were taken with those of the panel before. */
// @ts-ignore: decorator
@inline
function isSecondOfTwo(n: i32, N: i32): bool {
  return (n & COLUMNS) != 0 && n + COLUMNS <= N;
}

/** Tiles of a product of `rows` rows and `columns` columns: turns of reading ahead. */
// @ts-ignore: decorator
@inline
export function tiles(rows: i32, columns: i32): i32 {
  const width = WIDE ? 2 * COLUMNS : COLUMNS;
  return (tileRows(rows) / ROWS) * ((columns + width - 1) / width);
}

/** C[rows][N] = packed rows · packed B; `corner` holds one tile. Each tile, or two of the wide build, reads ahead. */
export function multiplyBlock(panel: usize, P: usize, C: usize, rows: i32, N: i32, K: i32, corner: usize): void {
  const stride = <usize>N << 2;
  for (let n = 0; n < N; n += COLUMNS) {
    const b = at(P, n * K);
    const width = min<i32>(COLUMNS, N - n);
    let m = 0;
    if (WIDE) {
      if (isFirstOfTwo(n, N)) {
        for (; m + ROWS <= rows; m += ROWS) {
          readAhead();
          wideTile(at(panel, m * K), b, <usize>K << 5, K, at(C, m * N + n), stride);
        }
      } else if (isSecondOfTwo(n, N)) m = rows - (rows % ROWS);
    }
    for (; m < rows; m += ROWS) {
      readAhead();
      const a = at(panel, m * K);
      const c = at(C, m * N + n);
      const height = min<i32>(ROWS, rows - m);
      if (width == COLUMNS && height == ROWS) {
        tile(a, b, K, c, stride, 0, 0);
      } else {
        tile(a, b, K, corner, COLUMNS << 2, 0, 0);
        copyCorner(corner, c, stride, height, width);
      }
    }
  }
}

/** C[rows][N] = packed rows · packed B + bias, clamped to low … high where low is finite; bias is padded to whole tiles. */
export function multiplyBiasedBlock(
  panel: usize, P: usize, C: usize, rows: i32, N: i32, K: i32, corner: usize, bias: usize, low: f32, high: f32,
): void {
  const isClamped = low > -Infinity;
  const stride = <usize>N << 2;
  for (let n = 0; n < N; n += COLUMNS) {
    const b = at(P, n * K);
    const width = min<i32>(COLUMNS, N - n);
    let m = 0;
    if (WIDE) {
      if (isFirstOfTwo(n, N)) {
        for (; m + ROWS <= rows; m += ROWS) {
          const c = at(C, m * N + n);
          wideTileFrom(at(panel, m * K), b, <usize>K << 5, K, c, stride, at(bias, n), 0);
          if (isClamped) {
            clampTile(c, stride, low, high);
            clampTile(c + 32, stride, low, high);
          }
        }
      } else if (isSecondOfTwo(n, N)) m = rows - (rows % ROWS);
    }
    for (; m < rows; m += ROWS) {
      const a = at(panel, m * K);
      const c = at(C, m * N + n);
      const height = min<i32>(ROWS, rows - m);
      if (width == COLUMNS && height == ROWS) {
        tile(a, b, K, c, stride, at(bias, n), 0);
        if (isClamped) clampTile(c, stride, low, high);
      } else {
        tile(a, b, K, corner, COLUMNS << 2, at(bias, n), 0);
        if (isClamped) clampTile(corner, COLUMNS << 2, low, high);
        copyCorner(corner, c, stride, height, width);
      }
    }
  }
}

/** sum [tileRows(M)][tileColumns(N)] += (row panels)ᵀ · column panels, `depth` rows deep. Reads ahead as `multiplyBlock` does. */
export function multiplyTransposedBlock(panelA: usize, panelB: usize, sum: usize, M: i32, N: i32, depth: i32): void {
  const columns = tileColumns(N);
  const rows = tileRows(M);
  const stride = <usize>columns << 2;
  for (let n = 0; n < columns; n += COLUMNS) {
    if (WIDE) {
      if (isSecondOfTwo(n, columns)) continue;
      if (isFirstOfTwo(n, columns)) {
        for (let m = 0; m < rows; m += ROWS) {
          readAhead();
          const out = at(sum, m * columns + n);
          wideTileFrom(at(panelA, m * BLOCK), at(panelB, n * BLOCK), BLOCK << 5, depth, out, stride, out, stride);
        }
        continue;
      }
    }
    for (let m = 0; m < rows; m += ROWS) {
      readAhead();
      const out = at(sum, m * columns + n);
      tile(at(panelA, m * BLOCK), at(panelB, n * BLOCK), depth, out, stride, out, stride);
    }
  }
}

/** Floats of scratch that `gemm` needs for each thread. */
export function gemmScratch(K: i32): i32 {
  return BLOCK * K + ROWS * COLUMNS;
}

/** C [M, N] = A [M, K] · B, B packed. Threads share the rows. */
export function gemm(A: usize, P: usize, C: usize, M: i32, N: i32, K: i32, scratch: usize, thread: i32, threads: i32): void {
  const first = shareStart(M, GRAIN, thread, threads);
  const last = shareStart(M, GRAIN, thread + 1, threads);
  const corner = at(scratch, thread * gemmScratch(K));
  const panel = at(corner, ROWS * COLUMNS);
  for (let block = first, rows = 0; block < last; block += rows) {
    rows = blockRows(last - block);
    packRows(at(A, block * K), K, rows, panel);
    multiplyBlock(panel, P, at(C, block * N), rows, N, K, corner);
  }
}

/** Floats of scratch that `gemmTransposed` needs for each thread: its own sum and its packed blocks. */
export function gemmTransposedScratch(M: i32, N: i32): i32 {
  return tileRows(M) * tileColumns(N) + BLOCK * (tileRows(M) + tileColumns(N));
}

/** Each thread's own part of Aᵀ · B, A [K, M], B [K, N]; threads share the depth K. `sumParts` adds them up. */
export function gemmTransposed(A: usize, B: usize, M: i32, N: i32, K: i32, scratch: usize, thread: i32, threads: i32): void {
  const sum = at(scratch, thread * gemmTransposedScratch(M, N));
  const panelA = at(sum, tileRows(M) * tileColumns(N));
  const panelB = at(panelA, BLOCK * tileRows(M));
  memory.fill(sum, 0, <usize>(tileRows(M) * tileColumns(N)) << 2);
  const first = shareStart(K, GRAIN, thread, threads);
  const last = shareStart(K, GRAIN, thread + 1, threads);
  for (let block = first, depth = 0; block < last; block += depth) {
    depth = blockRows(last - block);
    rowPanels(at(A, block * M), M, depth, panelA);
    columnPanels(at(B, block * N), N, depth, panelB);
    multiplyTransposedBlock(panelA, panelB, sum, M, N, depth);
  }
}

/**
 * C [M, N] = sum of the threads' parts, each [tileRows(M)][tileColumns(N)] and `apart` floats behind the one before.
 * Threads share the rows.
 */
export function sumParts(scratch: usize, apart: i32, C: usize, M: i32, N: i32, thread: i32, threads: i32): void {
  const columns = tileColumns(N);
  const part = <usize>apart << 2;
  const first = shareStart(M, 1, thread, threads);
  const last = shareStart(M, 1, thread + 1, threads);
  for (let m = first; m < last; m++) {
    const row = at(scratch, m * columns);
    const out = at(C, m * N);
    let n = 0;
    for (; n + 4 <= N; n += 4) {
      let total = v128.load(at(row, n));
      for (let t = 1; t < threads; t++) total = f32x4.add(total, v128.load(at(row, n) + part * t));
      v128.store(at(out, n), total);
    }
    for (; n < N; n++) {
      let total = f32.load(at(row, n));
      for (let t = 1; t < threads; t++) total += f32.load(at(row, n) + part * t);
      f32.store(at(out, n), total);
    }
  }
}
