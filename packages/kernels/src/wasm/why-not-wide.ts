import { ACTIVATION_CODES } from "../fused-activation.js";
import type { WasmExports } from "./wasm-exports.js";

/** The test's units: rows, and channels on both sides of every switch of the wide build. */
const UNITS: [rows: number, K: number, N: number][] = [
  [53, 24, 40],
  [60, 96, 24],
  [49, 12, 100],
  [48, 128, 128],
];
/** Maps of depthwise units: side, channels, side of the filter, stride. */
const MAPS: [side: number, C: number, taps: number, stride: number][] = [
  [9, 28, 3, 1],
  [9, 24, 3, 2],
  [9, 36, 5, 1],
  [9, 40, 5, 2],
];
/** Floats of each of the test's arrays, and how many lie in front of the scratch space. */
const FLOATS = 16_384;
const ARRAYS = 7;
/** V8 compiles a function well only when it has run for a while, in the background: so long both builds take turns. */
const FEWEST_ROUNDS = 30;
/** Where other programs keep that from happening, or nothing is joined. Beside two programs that compute, 0.9 s were the most. */
const MOST_MS = 2000;
const PAUSE_MS = 4;
/** Joined the wide build takes about half the time, and otherwise more than the other. */
const LARGEST_RATIO = 0.9;

/**
 * Whether the wide build pays here: runs it and the other relaxed build on the same small units.
 *
 * @param space - as many bytes as `wideTestBytes` says, in the memory of both.
 * @returns why the wide build must not be used; nothing where its results are the same bits and it is faster.
 */
export async function whyNotWide(
  plain: WasmExports,
  wide: WasmExports,
  { memory, space, mostMs = MOST_MS }: { memory: WebAssembly.Memory; space: number; mostMs?: number },
): Promise<string | undefined> {
  const least = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const started = performance.now();
  for (let round = 1; round <= FEWEST_ROUNDS || performance.now() - started < mostMs; round++) {
    const results = [plain, wide].map((exports, build) => {
      const { values, milliseconds } = runUnits(exports, memory, space);
      least[build] = Math.min(least[build]!, milliseconds);
      return values;
    });
    if (!isSame(results[0]!, results[1]!))
      return "it computed other numbers than the usual build (please report this with the versions of Node and processor)";
    if (round >= FEWEST_ROUNDS && least[1]! < LARGEST_RATIO * least[0]!) return undefined;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return "this runtime does not join 128-bit operations; Node >= 24 on an x64 processor with AVX2 does, under V8's flag that setupBackend of @acr/backend sets";
}

/** Bytes of memory that `whyNotWide` needs. */
export function wideTestBytes(exports: WasmExports): number {
  const scratch = [
    ...UNITS.flatMap(([, K, N]) => [exports.unitForwardScratch(K), exports.unitBackwardScratch(K, N)]),
    ...MAPS.flatMap(([side, C, taps, stride]) => {
      const padding = (taps - 1) >> 1;
      const out = Math.ceil(side / stride);
      return [
        exports.depthwiseUnitForwardScratch(side, C, taps, taps, stride, 1, 1, padding, out),
        exports.depthwiseUnitBackwardScratch(side, C, taps, taps, stride, stride, 1, 1, padding, out),
      ];
    }),
  ];
  return (ARRAYS * FLOATS + Math.max(...scratch)) * 4;
}

/** All results of the test's units one after the other, and how long the products took. */
function runUnits(
  exports: WasmExports,
  memory: WebAssembly.Memory,
  space: number,
): { values: Float32Array; milliseconds: number } {
  const address = (array: number) => space + array * FLOATS * 4;
  const [x, filter, factors, z] = [0, 1, 2, 3].map(address) as [number, number, number, number];
  const [dx, panels, sums, scratch] = [4, 5, 6, 7].map(address) as [number, number, number, number];
  // Numbers of the size of activations, without a pattern that would repeat along a row.
  const inputs = new Float32Array(memory.buffer, space, ARRAYS * FLOATS);
  for (let i = 0; i < inputs.length; i++) inputs[i] = Math.fround(((i * 7919) % 10_007) / 5_000 - 1);
  const values: Float32Array[] = [];
  const keep = (address: number, length: number) =>
    values.push(new Float32Array(memory.buffer, address, length).slice());
  let milliseconds = 0;
  const activations = [ACTIVATION_CODES.relu6, ACTIVATION_CODES.swish, ACTIVATION_CODES.linear];
  for (const [i, [M, K, N]] of UNITS.entries()) {
    const code = activations[i % activations.length]!;
    const started = performance.now();
    exports.packB(filter, K, N, 0, panels, 0, 1);
    exports.unitForward(x, factors, code, panels, z, M, N, K, sums, scratch, 0, 1);
    keep(z, M * N);
    keep(sums, 4 * N);
    exports.packB(filter, N, K, 1, panels, 0, 1);
    exports.unitBackward(x, z, factors, x, factors, filter, code, panels, dx, sums, M, N, K, scratch, 0, 1);
    milliseconds += performance.now() - started;
    keep(dx, M * K);
    keep(sums, 4 * K);
    exports.sumParts(scratch, 0, panels, K, N, 0, 1);
    keep(panels, K * N);
  }
  for (const [i, [side, C, taps, stride]] of MAPS.entries()) {
    const code = activations[i % activations.length]!;
    const out = Math.ceil(side / stride);
    const padding = (taps - 1) >> 1;
    const geometry = [1, side, side, C, taps, taps, stride, stride, 1, 1, padding, padding, out, out];
    exports.depthwiseUnitForward(x, factors, code, 0, 0, filter, z, sums, scratch, ...geometry, 0, 1);
    keep(z, out * out * C);
    keep(sums, 4 * C);
    exports.depthwiseUnitBackward(
      x,
      z,
      factors,
      x,
      factors,
      filter,
      code,
      filter,
      dx,
      sums,
      scratch,
      ...geometry,
      0,
      1,
    );
    keep(dx, side * side * C);
    keep(sums, 4 * C);
    keep(scratch, taps * taps * C);
  }
  const all = new Float32Array(values.reduce((total, { length }) => total + length, 0));
  let start = 0;
  for (const part of values) {
    all.set(part, start);
    start += part.length;
  }
  return { values: all, milliseconds };
}

/** Bit for bit, so that NaN is NaN. */
function isSame(a: Float32Array, b: Float32Array): boolean {
  const [left, right] = [a, b].map(({ buffer }) => new Int32Array(buffer));
  return left!.every((word, i) => word === right![i]);
}
