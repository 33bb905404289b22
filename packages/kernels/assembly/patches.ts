// Pictures to rows of patches and back, so that a k × k convolution becomes a matrix product.
import { at, shareStart } from "./simd";

/** out [count, KH·KW·C]: the patches under output pixels first … first + count − 1 of the batch. */
export function patchRows(
  x: usize, out: usize, first: i32, count: i32, H: i32, W: i32, C: i32, KH: i32, KW: i32, strideY: i32, strideX: i32,
  dilationY: i32, dilationX: i32, top: i32, left: i32, OH: i32, OW: i32,
): void {
  const area = OH * OW;
  let o = out;
  for (let pixel = first; pixel < first + count; pixel++) {
    const image = (pixel / area) * H;
    const y0 = ((pixel % area) / OW) * strideY - top;
    const x0 = (pixel % OW) * strideX - left;
    const isWhole = dilationX == 1 && x0 >= 0 && x0 + KW <= W;
    for (let i = 0; i < KH; i++) {
      const y = y0 + i * dilationY;
      if (y < 0 || y >= H) {
        for (let c = 0; c < KW * C; c++) f32.store(at(o, c), 0);
        o = at(o, KW * C);
      } else if (isWhole) {
        o = copyFloats(at(x, ((image + y) * W + x0) * C), o, KW * C);
      } else {
        for (let j = 0; j < KW; j++) {
          const xx = x0 + j * dilationX;
          if (xx < 0 || xx >= W) {
            for (let c = 0; c < C; c++) f32.store(at(o, c), 0);
            o = at(o, C);
          } else o = copyFloats(at(x, ((image + y) * W + xx) * C), o, C);
        }
      }
    }
  }
}

/** Copies a few floats; returns the end of the copy. */
// @ts-ignore: decorator
@inline
function copyFloats(from: usize, to: usize, count: i32): usize {
  let c = 0;
  for (; c + 4 <= count; c += 4) v128.store(at(to, c), v128.load(at(from, c)));
  for (; c < count; c++) f32.store(at(to, c), f32.load(at(from, c)));
  return at(to, count);
}

/** dx [B, H, W, C] = sum of the patch gradients over each input pixel. Threads share the input rows. */
export function col2im(
  patches: usize, dx: usize, batch: i32, H: i32, W: i32, C: i32, KH: i32, KW: i32, strideY: i32, strideX: i32,
  dilationY: i32, dilationX: i32, top: i32, left: i32, OH: i32, OW: i32, thread: i32, threads: i32,
): void {
  const first = shareStart(batch * H, 1, thread, threads);
  const last = shareStart(batch * H, 1, thread + 1, threads);
  const patch = KH * KW * C;
  for (let r = first; r < last; r++) {
    const image = (r / H) * OH;
    const y = r % H;
    for (let xx = 0; xx < W; xx++) {
      const out = at(dx, (r * W + xx) * C);
      memory.fill(out, 0, <usize>C << 2);
      for (let i = 0; i < KH; i++) {
        const ty = y + top - i * dilationY;
        if (ty < 0 || ty % strideY != 0 || ty / strideY >= OH) continue;
        for (let j = 0; j < KW; j++) {
          const tx = xx + left - j * dilationX;
          if (tx < 0 || tx % strideX != 0 || tx / strideX >= OW) continue;
          const source = at(patches, ((image + ty / strideY) * OW + tx / strideX) * patch + (i * KW + j) * C);
          let c = 0;
          for (; c + 4 <= C; c += 4) v128.store(at(out, c), f32x4.add(v128.load(at(out, c)), v128.load(at(source, c))));
          for (; c < C; c++) f32.store(at(out, c), f32.load(at(out, c)) + f32.load(at(source, c)));
        }
      }
    }
  }
}
