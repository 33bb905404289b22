// Pictures to rows of patches and back, so that a k × k convolution becomes a matrix product.
import { at, shareStart } from "./simd";

/** out [B·OH·OW, KH·KW·C]: the patch under each output pixel. Threads share the output rows. */
export function im2col(
  x: usize, out: usize, batch: i32, H: i32, W: i32, C: i32, KH: i32, KW: i32, strideY: i32, strideX: i32,
  dilationY: i32, dilationX: i32, top: i32, left: i32, OH: i32, OW: i32, thread: i32, threads: i32,
): void {
  const first = shareStart(batch * OH, 1, thread, threads);
  const last = shareStart(batch * OH, 1, thread + 1, threads);
  const bytes = <usize>C << 2;
  for (let r = first; r < last; r++) {
    const image = (r / OH) * H;
    const y0 = (r % OH) * strideY - top;
    let o = at(out, r * OW * KH * KW * C);
    for (let ox = 0; ox < OW; ox++) {
      const x0 = ox * strideX - left;
      for (let i = 0; i < KH; i++) {
        const y = y0 + i * dilationY;
        for (let j = 0; j < KW; j++) {
          const xx = x0 + j * dilationX;
          if (y < 0 || y >= H || xx < 0 || xx >= W) memory.fill(o, 0, bytes);
          else {
            const source = at(x, ((image + y) * W + xx) * C);
            for (let c = 0; c < C; c++) f32.store(at(o, c), f32.load(at(source, c)));
          }
          o += bytes;
        }
      }
    }
  }
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
