// Matrix products from packed panels, after Goto and van de Geijn (2008): A in panels of 4 rows, B in panels of 8
// columns, both with the depth as the slow axis, so that the inner tile only ever reads forward.
import { at, madd, shareStart, zero } from "./simd";

const ROWS: i32 = 4;
const COLUMNS: i32 = 8;
/** Rows of A packed at a time; with K up to 1280 the block stays in the second-level cache. */
const BLOCK: i32 = 48;
/** Depth of a block where the depth is the long axis (the filter gradient). */
const DEPTH: i32 = 128;

/** out[4][8] (row stride in bytes) = or += A panel · B panel. */
function tile(a: usize, b: usize, depth: i32, out: usize, stride: usize, accumulate: bool): void {
  const o1 = out + stride;
  const o2 = o1 + stride;
  const o3 = o2 + stride;
  let c00 = zero(), c01 = zero(), c10 = zero(), c11 = zero(), c20 = zero(), c21 = zero(), c30 = zero(), c31 = zero();
  if (accumulate) {
    c00 = v128.load(out); c01 = v128.load(out, 16);
    c10 = v128.load(o1); c11 = v128.load(o1, 16);
    c20 = v128.load(o2); c21 = v128.load(o2, 16);
    c30 = v128.load(o3); c31 = v128.load(o3, 16);
  }
  let k = 0;
  for (; k + 2 <= depth; k += 2) {
    let b0 = v128.load(b), b1 = v128.load(b, 16);
    let t = v128.load32_splat(a); c00 = madd(t, b0, c00); c01 = madd(t, b1, c01);
    t = v128.load32_splat(a, 4); c10 = madd(t, b0, c10); c11 = madd(t, b1, c11);
    t = v128.load32_splat(a, 8); c20 = madd(t, b0, c20); c21 = madd(t, b1, c21);
    t = v128.load32_splat(a, 12); c30 = madd(t, b0, c30); c31 = madd(t, b1, c31);
    b0 = v128.load(b, 32); b1 = v128.load(b, 48);
    t = v128.load32_splat(a, 16); c00 = madd(t, b0, c00); c01 = madd(t, b1, c01);
    t = v128.load32_splat(a, 20); c10 = madd(t, b0, c10); c11 = madd(t, b1, c11);
    t = v128.load32_splat(a, 24); c20 = madd(t, b0, c20); c21 = madd(t, b1, c21);
    t = v128.load32_splat(a, 28); c30 = madd(t, b0, c30); c31 = madd(t, b1, c31);
    a += 32;
    b += 64;
  }
  if (k < depth) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let t = v128.load32_splat(a); c00 = madd(t, b0, c00); c01 = madd(t, b1, c01);
    t = v128.load32_splat(a, 4); c10 = madd(t, b0, c10); c11 = madd(t, b1, c11);
    t = v128.load32_splat(a, 8); c20 = madd(t, b0, c20); c21 = madd(t, b1, c21);
    t = v128.load32_splat(a, 12); c30 = madd(t, b0, c30); c31 = madd(t, b1, c31);
  }
  v128.store(out, c00); v128.store(out, c01, 16);
  v128.store(o1, c10); v128.store(o1, c11, 16);
  v128.store(o2, c20); v128.store(o2, c21, 16);
  v128.store(o3, c30); v128.store(o3, c31, 16);
}

/** Copies the valid corner of a finished 4 × 8 tile. */
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
      for (let k = 0; k < K; k++) {
        for (let j = 0; j < COLUMNS; j++) f32.store(at(p, j), j < width ? f32.load(at(B, (n + j) * K + k)) : 0);
        p += 32;
      }
    } else if (width == COLUMNS) {
      let b = at(B, n);
      for (let k = 0; k < K; k++) {
        v128.store(p, v128.load(b));
        v128.store(p, v128.load(b, 16), 16);
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

/** Packs rows first … last of A [·, K] into panels [K][4]; missing rows repeat the last one. */
function packRows(A: usize, K: i32, first: i32, last: i32, P: usize): void {
  for (let m = first; m < last; m += ROWS) {
    let r0 = at(A, m * K);
    let r1 = at(A, min<i32>(m + 1, last - 1) * K);
    let r2 = at(A, min<i32>(m + 2, last - 1) * K);
    let r3 = at(A, min<i32>(m + 3, last - 1) * K);
    let k = 0;
    for (; k + 4 <= K; k += 4) {
      const a = v128.load(r0), b = v128.load(r1), c = v128.load(r2), d = v128.load(r3);
      const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5), ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
      const cd0 = v128.shuffle<f32>(c, d, 0, 4, 1, 5), cd1 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
      v128.store(P, v128.shuffle<i64>(ab0, cd0, 0, 2));
      v128.store(P, v128.shuffle<i64>(ab0, cd0, 1, 3), 16);
      v128.store(P, v128.shuffle<i64>(ab1, cd1, 0, 2), 32);
      v128.store(P, v128.shuffle<i64>(ab1, cd1, 1, 3), 48);
      r0 += 16; r1 += 16; r2 += 16; r3 += 16;
      P += 64;
    }
    for (; k < K; k++) {
      f32.store(P, f32.load(r0));
      f32.store(P, f32.load(r1), 4);
      f32.store(P, f32.load(r2), 8);
      f32.store(P, f32.load(r3), 12);
      r0 += 4; r1 += 4; r2 += 4; r3 += 4;
      P += 16;
    }
  }
}

/** Floats of scratch that `gemm` needs for each thread. */
export function gemmScratch(K: i32): i32 {
  return BLOCK * K + ROWS * COLUMNS;
}

/** C [M, N] = A [M, K] · B, B packed. Threads share the rows. */
export function gemm(A: usize, P: usize, C: usize, M: i32, N: i32, K: i32, scratch: usize, thread: i32, threads: i32): void {
  const first = shareStart(M, BLOCK, thread, threads);
  const last = shareStart(M, BLOCK, thread + 1, threads);
  const corner = at(scratch, thread * gemmScratch(K));
  const panel = at(corner, ROWS * COLUMNS);
  const stride = <usize>N << 2;
  for (let block = first; block < last; block += BLOCK) {
    const end = min<i32>(block + BLOCK, last);
    packRows(A, K, block, end, panel);
    for (let n = 0; n < N; n += COLUMNS) {
      const b = at(P, n * K);
      const width = min<i32>(COLUMNS, N - n);
      for (let m = block; m < end; m += ROWS) {
        const a = at(panel, (m - block) * K);
        const c = at(C, m * N + n);
        const height = min<i32>(ROWS, end - m);
        if (width == COLUMNS && height == ROWS) {
          tile(a, b, K, c, stride, false);
        } else {
          tile(a, b, K, corner, COLUMNS << 2, false);
          copyCorner(corner, c, stride, height, width);
        }
      }
    }
  }
}

/** Floats of scratch that `gemmTransposed` needs for each thread: its own sum and its packed blocks. */
export function gemmTransposedScratch(M: i32, N: i32): i32 {
  const rows = (M + 3) & ~3;
  const columns = (N + 7) & ~7;
  return rows * columns + DEPTH * (rows + columns);
}

/** Each thread's own part of Aᵀ · B, A [K, M], B [K, N]; threads share the depth K. `sumParts` adds them up. */
export function gemmTransposed(A: usize, B: usize, M: i32, N: i32, K: i32, scratch: usize, thread: i32, threads: i32): void {
  const rows = (M + 3) & ~3;
  const columns = (N + 7) & ~7;
  const sum = at(scratch, thread * gemmTransposedScratch(M, N));
  const panelA = at(sum, rows * columns);
  const panelB = at(panelA, DEPTH * rows);
  memory.fill(sum, 0, <usize>(rows * columns) << 2);
  const first = shareStart(K, 4, thread, threads);
  const last = shareStart(K, 4, thread + 1, threads);
  for (let block = first; block < last; block += DEPTH) {
    const depth = min<i32>(DEPTH, last - block);
    for (let k = 0; k < depth; k++) {
      let source = at(A, (block + k) * M);
      let target = at(panelA, k * ROWS);
      let m = 0;
      for (; m + ROWS <= M; m += ROWS) {
        v128.store(target, v128.load(source));
        source += 16;
        target += <usize>(ROWS * DEPTH) << 2;
      }
      for (let j = 0; m < M && j < ROWS; j++) f32.store(at(target, j), m + j < M ? f32.load(at(source, j)) : 0);
      source = at(B, (block + k) * N);
      target = at(panelB, k * COLUMNS);
      let n = 0;
      for (; n + COLUMNS <= N; n += COLUMNS) {
        v128.store(target, v128.load(source));
        v128.store(target, v128.load(source, 16), 16);
        source += 32;
        target += <usize>(COLUMNS * DEPTH) << 2;
      }
      for (let j = 0; n < N && j < COLUMNS; j++) f32.store(at(target, j), n + j < N ? f32.load(at(source, j)) : 0);
    }
    for (let n = 0; n < columns; n += COLUMNS) {
      for (let m = 0; m < rows; m += ROWS) {
        tile(at(panelA, m * DEPTH), at(panelB, n * DEPTH), depth, at(sum, m * columns + n), <usize>columns << 2, true);
      }
    }
  }
}

/** C [M, N] = sum of the parts that `gemmTransposed` left. Threads share the rows. */
export function sumParts(scratch: usize, C: usize, M: i32, N: i32, thread: i32, threads: i32): void {
  const columns = (N + 7) & ~7;
  const part = <usize>gemmTransposedScratch(M, N) << 2;
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
