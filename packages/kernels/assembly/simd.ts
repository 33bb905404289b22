/**
 * Whether this build is for runtimes that join neighbouring 128-bit operations to 256-bit ones (V8 with
 * --experimental-wasm-revectorize): tiles and rows twice as wide, which elsewhere would not fit into the registers. The
 * order of every sum is that of the other builds, so that the results are the same bits.
 */
// @ts-ignore: a constant of the compiler's command line
export const WIDE: bool = ACR_WIDE != 0;

/** a·b + c, in one rounding where the runtime has relaxed SIMD. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
}

// @ts-ignore: decorator
@inline
export function zero(): v128 {
  return f32x4.splat(0);
}

/** First item of the share of thread `thread` when `count` items are dealt in runs of `grain`. */
// @ts-ignore: decorator
@inline
export function shareStart(count: i32, grain: i32, thread: i32, threads: i32): i32 {
  const grains = (count + grain - 1) / grain;
  return min<i32>(<i32>((<i64>grains * thread) / threads) * grain, count);
}

/** Address of element `index` of a float32 array. */
// @ts-ignore: decorator
@inline
export function at(base: usize, index: i32): usize {
  return base + (<usize>index << 2);
}
