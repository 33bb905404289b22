// A convolution unit: convolution, the normalisation and activation *in front of* it while its input is read, and the
// sums for the normalisation behind it while its output is still in the cache. So a feature map is written once and read
// once on the way forward; backward, one pass over blocks of rows gives the gradients of input and filter together.
//
// `inFactors` (0: the input is read as it is) holds the scale and shift [2][K] of the input's normalisation.
// Backward, g is the gradient behind the normalisation that follows and z the unit's output, so that
// dz = g·k₀ + z·k₁ + k₂ with `outFactors` [3][N] (0: g is dz already).
import { activateRows, addSums, gradientOfEight, gradientRows, RELU, RELU6, sumsOf } from "./batch-norm";
import {
  BLOCK, blockRows, COLUMNS, columnPanels, GRAIN, multiplyBiasedBlock, multiplyBlock, multiplyTransposedBlock, normalRowPanels, packB, packNormalRows, packRows,
  packRowsOfPanels, ROWS, rowPanels, tileColumns, tileRows, tiles,
} from "./gemm";
import { patchRows } from "./patches";
import { startReadingAhead } from "./read-ahead";
import { at, madd, shareStart, WIDE } from "./simd";

/** Whether an activation only cuts values off, at `lowOf` and `highOf`: linear, relu and relu6. */
// @ts-ignore: decorator
@inline
function isClamp(activation: i32): bool {
  return activation <= RELU6;
}

// @ts-ignore: decorator
@inline
function lowOf(activation: i32): f32 {
  return activation == RELU || activation == RELU6 ? 0 : -Infinity;
}

// @ts-ignore: decorator
@inline
function highOf(activation: i32): f32 {
  return activation == RELU6 ? 6 : Infinity;
}

/**
 * Bytes of one channel of the next block, which follows `rows` rows before `last`. None where filters are so large that
 * blocks wait for them and not for rows, which would take their place in the cache.
 */
// @ts-ignore: decorator
@inline
function bytesAhead(block: i32, rows: i32, last: i32, K: i32, N: i32): usize {
  return K * N > 1 << 16 ? 0 : <usize>min<i32>(rows, last - block - rows) << 2;
}

/** Floats of scratch for each thread of `unitForward` and `patchForward`. */
export function unitForwardScratch(K: i32): i32 {
  return ROWS * COLUMNS + 2 * BLOCK * K;
}

/** z [M, N] = a(x) · P, and each thread's Σz, Σz² in sums [threads][2][N] float64 (0: none). */
export function unitForward(
  x: usize, inFactors: usize, inActivation: i32, P: usize, z: usize, M: i32, N: i32, K: i32, sums: usize, scratch: usize,
  thread: i32, threads: i32,
): void {
  const corner = at(scratch, thread * unitForwardScratch(K));
  const panel = at(corner, ROWS * COLUMNS);
  const rowsOfX = at(panel, BLOCK * K);
  const own = sumsOf(sums, N, thread);
  if (sums) memory.fill(own, 0, <usize>N << 4);
  const last = shareStart(M, GRAIN, thread + 1, threads);
  for (let block = shareStart(M, GRAIN, thread, threads), rows = 0; block < last; block += rows) {
    rows = blockRows(last - block);
    const source = at(x, block * K);
    if (!inFactors) packRows(source, K, rows, panel);
    else if (isClamp(inActivation)) packNormalRows(source, K, rows, panel, inFactors, lowOf(inActivation), highOf(inActivation));
    else {
      activateRows(source, rowsOfX, rows, K, inFactors, inActivation);
      packRows(rowsOfX, K, rows, panel);
    }
    const out = at(z, block * N);
    const ahead = bytesAhead(block, rows, last, K, N);
    startReadingAhead(tiles(rows, N), at(source, rows * K), ahead * K, at(out, rows * N), ahead * N, 0, 0, 0, 0);
    multiplyBlock(panel, P, out, rows, N, K, corner);
    if (sums) addSums(out, rows, N, own);
  }
}

/** The same for any filter size, from patches that are never stored as a whole: M = B·OH·OW, K = KH·KW·C. */
export function patchForward(
  x: usize, P: usize, z: usize, M: i32, N: i32, K: i32, sums: usize, scratch: usize, batch: i32, H: i32, W: i32, C: i32,
  KH: i32, KW: i32, strideY: i32, strideX: i32, dilationY: i32, dilationX: i32, top: i32, left: i32, OH: i32, OW: i32,
  thread: i32, threads: i32,
): void {
  const corner = at(scratch, thread * unitForwardScratch(K));
  const panel = at(corner, ROWS * COLUMNS);
  const patches = at(panel, BLOCK * K);
  const own = sumsOf(sums, N, thread);
  if (sums) memory.fill(own, 0, <usize>N << 4);
  const last = shareStart(M, GRAIN, thread + 1, threads);
  for (let block = shareStart(M, GRAIN, thread, threads), rows = 0; block < last; block += rows) {
    rows = blockRows(last - block);
    patchRows(x, patches, block, rows, H, W, C, KH, KW, strideY, strideX, dilationY, dilationX, top, left, OH, OW);
    packRows(patches, K, rows, panel);
    const out = at(z, block * N);
    startReadingAhead(tiles(rows, N), at(out, rows * N), bytesAhead(block, rows, last, K, N) * N, 0, 0, 0, 0, 0, 0);
    multiplyBlock(panel, P, out, rows, N, K, corner);
    if (sums) addSums(out, rows, N, own);
  }
}

/** Bias and corners of a folded unit's output: what lies behind the product. */
// @ts-ignore: decorator
@inline
function multiplyFolded(panel: usize, P: usize, out: usize, rows: i32, N: i32, K: i32, corner: usize, activation: i32): void {
  const bias = at(P, K * tileColumns(N));
  multiplyBiasedBlock(panel, P, out, rows, N, K, corner, bias, lowOf(activation), highOf(activation));
  if (!isClamp(activation)) activateRows(out, out, rows, N, at(bias, tileColumns(N)), activation);
}

/**
 * A 1 × 1 unit in inference: y = activation(x · P + bias), with P, bias and the factors of an unchanged input from
 * `foldNorm`.
 */
export function foldedForward(
  x: usize, P: usize, y: usize, M: i32, N: i32, K: i32, activation: i32, scratch: usize, thread: i32, threads: i32,
): void {
  const corner = at(scratch, thread * unitForwardScratch(K));
  const panel = at(corner, ROWS * COLUMNS);
  const last = shareStart(M, GRAIN, thread + 1, threads);
  for (let block = shareStart(M, GRAIN, thread, threads), rows = 0; block < last; block += rows) {
    rows = blockRows(last - block);
    packRows(at(x, block * K), K, rows, panel);
    multiplyFolded(panel, P, at(y, block * N), rows, N, K, corner, activation);
  }
}

/** The same for any filter size. */
export function foldedPatchForward(
  x: usize, P: usize, y: usize, M: i32, N: i32, K: i32, activation: i32, scratch: usize, batch: i32, H: i32, W: i32, C: i32,
  KH: i32, KW: i32, strideY: i32, strideX: i32, dilationY: i32, dilationX: i32, top: i32, left: i32, OH: i32, OW: i32,
  thread: i32, threads: i32,
): void {
  const corner = at(scratch, thread * unitForwardScratch(K));
  const panel = at(corner, ROWS * COLUMNS);
  const patches = at(panel, BLOCK * K);
  const last = shareStart(M, GRAIN, thread + 1, threads);
  for (let block = shareStart(M, GRAIN, thread, threads), rows = 0; block < last; block += rows) {
    rows = blockRows(last - block);
    patchRows(x, patches, block, rows, H, W, C, KH, KW, strideY, strideX, dilationY, dilationX, top, left, OH, OW);
    packRows(patches, K, rows, panel);
    multiplyFolded(panel, P, at(y, block * N), rows, N, K, corner, activation);
  }
}

/** Floats of a folded filter: its panels, the bias, and the factors (one and zero) of an unchanged map. */
export function foldedSize(K: i32, N: i32): i32 {
  return (K + 3) * tileColumns(N);
}

/** Filter [K, N] times the scale, and the shift, of `factors` [2][N] as `foldedForward` reads them; `scratch` is [K, N]. */
export function foldNorm(filter: usize, factors: usize, K: i32, N: i32, P: usize, scratch: usize): void {
  for (let k = 0; k < K; k++) {
    for (let n = 0; n < N; n++) f32.store(at(scratch, k * N + n), f32.load(at(filter, k * N + n)) * f32.load(at(factors, n)));
  }
  packB(scratch, K, N, 0, P, 0, 1);
  const columns = tileColumns(N);
  const bias = at(P, K * columns);
  const unchanged = at(bias, columns);
  for (let n = 0; n < columns; n++) f32.store(at(bias, n), n < N ? f32.load(at(factors, N + n)) : 0);
  // Factors of a map of N channels lie N apart.
  for (let n = 0; n < N; n++) {
    f32.store(at(unchanged, n), 1);
    f32.store(at(unchanged, N + n), 0);
  }
}

/** dz = g·k₀ + z·k₁ + k₂ of four channels. */
// @ts-ignore: decorator
@inline
function gradientOf(g: usize, z: usize, k0: v128, k1: v128, k2: v128): v128 {
  return madd(v128.load(g), k0, madd(v128.load(z), k1, k2));
}

/** Rows of dz to column panels. */
function gradientPanels(g: usize, z: usize, outFactors: usize, N: i32, rows: i32, panels: usize): void {
  if (!outFactors) return columnPanels(g, N, rows, panels);
  const row = <usize>N << 2;
  const panel = <usize>(COLUMNS * BLOCK) << 2;
  let r = 0;
  // Four rows share the loads of the factors.
  for (; r + 4 <= rows; r += 4) {
    let n: usize = 0;
    if (WIDE) {
      for (; n + 32 <= row; n += 32) {
        const k0 = v128.load(outFactors + n), k1 = v128.load(outFactors + row + n), k2 = v128.load(outFactors + 2 * row + n);
        const l0 = v128.load(outFactors + n, 16), l1 = v128.load(outFactors + row + n, 16), l2 = v128.load(outFactors + 2 * row + n, 16);
        const target = at(panels, r * COLUMNS) + (n >> 5) * panel;
        const p = g + n, q = z + n;
        gradientOfEight(p, q, target, k0, k1, k2, l0, l1, l2);
        gradientOfEight(p + row, q + row, target + 32, k0, k1, k2, l0, l1, l2);
        gradientOfEight(p + 2 * row, q + 2 * row, target + 64, k0, k1, k2, l0, l1, l2);
        gradientOfEight(p + 3 * row, q + 3 * row, target + 96, k0, k1, k2, l0, l1, l2);
      }
    }
    for (; n < row; n += 16) {
      const k0 = v128.load(outFactors + n), k1 = v128.load(outFactors + row + n), k2 = v128.load(outFactors + 2 * row + n);
      const target = at(panels, r * COLUMNS) + (n >> 5) * panel + (n & 16);
      const p = g + n, q = z + n;
      v128.store(target, gradientOf(p, q, k0, k1, k2));
      v128.store(target, gradientOf(p + row, q + row, k0, k1, k2), 32);
      v128.store(target, gradientOf(p + 2 * row, q + 2 * row, k0, k1, k2), 64);
      v128.store(target, gradientOf(p + 3 * row, q + 3 * row, k0, k1, k2), 96);
    }
    g += 4 * row;
    z += 4 * row;
  }
  for (; r < rows; r++) {
    for (let n: usize = 0; n < row; n += 16) {
      const target = at(panels, r * COLUMNS) + (n >> 5) * panel + (n & 16);
      v128.store(target, gradientOf(g + n, z + n, v128.load(outFactors + n), v128.load(outFactors + row + n), v128.load(outFactors + 2 * row + n)));
    }
    g += row;
    z += row;
  }
  if (N & 4) {
    const rest = at(panels, (N >> 3) * (COLUMNS * BLOCK) + 4);
    for (r = 0; r < rows; r++) v128.store(at(rest, r * COLUMNS), f32x4.splat(0));
  }
}

/** Floats of scratch for each thread of `unitBackward` and `patchBackward`; the filter's gradient lies in front. */
export function unitBackwardScratch(K: i32, N: i32): i32 {
  return tileRows(K) * tileColumns(N) + BLOCK * (tileRows(K) + tileColumns(N) + K + N) + ROWS * COLUMNS;
}

/**
 * gIn [M, K] (0: not wanted), the gradient in front of the input's normalisation, with its sums as in `gradientRows`,
 * and each thread's part of the filter's gradient [K, N] (`sumParts` adds them up). PT: the packed transposed filter.
 */
export function unitBackward(
  g: usize, z: usize, outFactors: usize, x: usize, inFactors: usize, inMean: usize, inActivation: i32, PT: usize,
  gIn: usize, inSums: usize, M: i32, N: i32, K: i32, scratch: usize, thread: i32, threads: i32,
): void {
  const sum = at(scratch, thread * unitBackwardScratch(K, N));
  const panelsOfX = at(sum, tileRows(K) * tileColumns(N));
  const panelsOfG = at(panelsOfX, BLOCK * tileRows(K));
  const rowsOfX = at(panelsOfG, BLOCK * tileColumns(N));
  const packed = at(rowsOfX, BLOCK * K);
  const corner = at(packed, BLOCK * N);
  const own = sumsOf(inSums, K, thread);
  memory.fill(sum, 0, <usize>(tileRows(K) * tileColumns(N)) << 2);
  if (inFactors && gIn) memory.fill(own, 0, <usize>K << 4);
  const last = shareStart(M, GRAIN, thread + 1, threads);
  for (let block = shareStart(M, GRAIN, thread, threads), rows = 0; block < last; block += rows) {
    rows = blockRows(last - block);
    gradientPanels(at(g, block * N), at(z, block * N), outFactors, N, rows, panelsOfG);
    const input = at(x, block * K);
    if (!inFactors) rowPanels(input, K, rows, panelsOfX);
    else if (isClamp(inActivation)) normalRowPanels(input, K, rows, panelsOfX, inFactors, lowOf(inActivation), highOf(inActivation));
    else {
      activateRows(input, rowsOfX, rows, K, inFactors, inActivation);
      rowPanels(rowsOfX, K, rows, panelsOfX);
    }
    const ahead = bytesAhead(block, rows, last, K, N);
    const next = block + rows;
    startReadingAhead(
      tiles(K, N) + (gIn ? tiles(rows, K) : 0), at(g, next * N), ahead * N, at(z, next * N), outFactors ? ahead * N : 0, at(x, next * K), ahead * K,
      at(gIn, next * K), gIn ? ahead * K : 0,
    );
    multiplyTransposedBlock(panelsOfX, panelsOfG, sum, K, N, rows);
    if (gIn) {
      const out = at(gIn, block * K);
      packRowsOfPanels(panelsOfG, N, rows, packed);
      multiplyBlock(packed, PT, out, rows, K, N, corner);
      if (inFactors) gradientRows(input, out, out, inMean, rows, K, inFactors, inActivation, own);
    }
  }
}

/** Each thread's part of the filter's gradient, from patches. */
export function patchBackward(
  g: usize, z: usize, outFactors: usize, x: usize, M: i32, N: i32, K: i32, scratch: usize, batch: i32, H: i32, W: i32, C: i32,
  KH: i32, KW: i32, strideY: i32, strideX: i32, dilationY: i32, dilationX: i32, top: i32, left: i32, OH: i32, OW: i32,
  thread: i32, threads: i32,
): void {
  const sum = at(scratch, thread * unitBackwardScratch(K, N));
  const panelsOfX = at(sum, tileRows(K) * tileColumns(N));
  const panelsOfG = at(panelsOfX, BLOCK * tileRows(K));
  const patches = at(panelsOfG, BLOCK * tileColumns(N));
  memory.fill(sum, 0, <usize>(tileRows(K) * tileColumns(N)) << 2);
  const last = shareStart(M, GRAIN, thread + 1, threads);
  for (let block = shareStart(M, GRAIN, thread, threads), rows = 0; block < last; block += rows) {
    rows = blockRows(last - block);
    gradientPanels(at(g, block * N), at(z, block * N), outFactors, N, rows, panelsOfG);
    patchRows(x, patches, block, rows, H, W, C, KH, KW, strideY, strideX, dilationY, dilationX, top, left, OH, OW);
    rowPanels(patches, K, rows, panelsOfX);
    const ahead = bytesAhead(block, rows, last, K, N) * N;
    const next = (block + rows) * N;
    startReadingAhead(tiles(K, N), at(g, next), ahead, at(z, next), outFactors ? ahead : 0, 0, 0, 0, 0);
    multiplyTransposedBlock(panelsOfX, panelsOfG, sum, K, N, rows);
  }
}
