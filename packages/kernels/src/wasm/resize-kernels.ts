import { getKernel, type KernelFunc, type NamedAttrMap, type TensorInfo } from "@tensorflow/tfjs-core";
import type { WasmRuntime } from "./wasm-runtime.js";

type Call = { inputs: Record<string, TensorInfo>; attrs: NamedAttrMap };

/** The gradient of resizing to the nearest pixel: tfjs' own leaves out half pixels, and what a single pixel became with aligned corners. */
export function resizeKernels(runtime: WasmRuntime): Record<string, (call: Call) => TensorInfo | undefined> {
  const resize = getKernel("ResizeNearestNeighbor", "wasm")?.kernelFunc;
  if (!resize) return {};

  /** Which of `length` positions each of `outLength` is: what the way forward makes of their numbers, rounding included. */
  const sources = (length: number, outLength: number, attrs: NamedAttrMap): Int32Array => {
    const images = runtime.output([1, length, 1, 1]);
    runtime.floats(images).forEach((_, i, values) => {
      values[i] = i;
    });
    const { backend } = runtime;
    const out = (resize as KernelFunc)({
      inputs: { images },
      backend,
      attrs: { ...attrs, size: [outLength, 1] },
    }) as TensorInfo;
    const chosen = Int32Array.from(runtime.floats(out));
    backend.disposeData(images.dataId);
    backend.disposeData(out.dataId);
    return chosen;
  };

  return {
    ResizeNearestNeighborGrad: ({ inputs, attrs }) => {
      const { images, dy } = inputs as { images: TensorInfo; dy: TensorInfo };
      const [batch, height, width, channels] = images.shape as [number, number, number, number];
      const [, outHeight, outWidth] = dy.shape as [number, number, number, number];
      if (dy.dtype !== "float32" || batch * height * width * channels * outHeight * outWidth === 0) return undefined;
      const rows = sources(height, outHeight, attrs);
      const columns = sources(width, outWidth, attrs);
      const out = runtime.output(images.shape);
      const gradient = runtime.floats(dy);
      const dx = runtime.floats(out).fill(0);
      let from = 0;
      for (let b = 0; b < batch; b++) {
        for (const row of rows) {
          const line = (b * height + row) * width;
          for (const column of columns) {
            const to = (line + column) * channels;
            for (let k = 0; k < channels; k++) dx[to + k]! += gradient[from++]!;
          }
        }
      }
      return out;
    },
  };
}
