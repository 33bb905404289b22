// Max pooling's way back.
import { at, shareStart } from "./simd";

/** Floats of scratch for each thread of `maxPoolGradient`: four positions, in a cache line of their own. */
export function maxPoolGradientScratch(): i32 {
  return 16;
}

/**
 * dx [B, H, W, C]: each gradient goes to the first of the largest values of its window, and to nobody where all are NaN or −∞.
 * Windows overlap, so threads share the channels, in runs of 16 (one cache line).
 */
export function maxPoolGradient(
  x: usize, dy: usize, dx: usize, batch: i32, H: i32, W: i32, C: i32, KH: i32, KW: i32, strideY: i32, strideX: i32,
  dilationY: i32, dilationX: i32, top: i32, left: i32, OH: i32, OW: i32, scratch: usize, thread: i32, threads: i32,
): void {
  const first = shareStart(C, 16, thread, threads);
  const last = shareStart(C, 16, thread + 1, threads);
  if (first == last) return;
  const positions = at(scratch, thread * maxPoolGradientScratch());
  for (let pixel = 0; pixel < batch * H * W; pixel++) memory.fill(at(dx, pixel * C + first), 0, <usize>(last - first) << 2);
  for (let r = 0; r < batch * OH; r++) {
    const image = (r / OH) * H;
    const y0 = (r % OH) * strideY - top;
    for (let ox = 0; ox < OW; ox++) {
      const x0 = ox * strideX - left;
      let g = at(dy, (r * OW + ox) * C + first);
      let c = first;
      for (; c + 4 <= last; c += 4) {
        let largest = f32x4.splat(-Infinity), position = i32x4.splat(-1);
        for (let i = 0; i < KH; i++) {
          const y = y0 + i * dilationY;
          if (y < 0 || y >= H) continue;
          for (let j = 0; j < KW; j++) {
            const xx = x0 + j * dilationX;
            if (xx < 0 || xx >= W) continue;
            const pixel = (image + y) * W + xx;
            const value = v128.load(at(x, pixel * C + c));
            const isLarger = f32x4.gt(value, largest);
            largest = v128.bitselect(value, largest, isLarger);
            position = v128.bitselect(i32x4.splat(pixel), position, isLarger);
          }
        }
        v128.store(positions, position);
        for (let lane = 0; lane < 4; lane++) {
          const pixel = i32.load(at(positions, lane));
          if (pixel >= 0) add(at(dx, pixel * C + c + lane), f32.load(at(g, lane)));
        }
        g += 16;
      }
      for (; c < last; c++) {
        let largest: f32 = -Infinity, position = -1;
        for (let i = 0; i < KH; i++) {
          const y = y0 + i * dilationY;
          if (y < 0 || y >= H) continue;
          for (let j = 0; j < KW; j++) {
            const xx = x0 + j * dilationX;
            if (xx < 0 || xx >= W) continue;
            const pixel = (image + y) * W + xx;
            const value = f32.load(at(x, pixel * C + c));
            if (value > largest) {
              largest = value;
              position = pixel;
            }
          }
        }
        if (position >= 0) add(at(dx, position * C + c), f32.load(g));
        g += 4;
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function add(to: usize, value: f32): void {
  f32.store(to, f32.load(to) + value);
}
