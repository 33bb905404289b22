import type { Tensor } from "@tensorflow/tfjs-core";
import { slice_util, type TensorInfo, util } from "@tensorflow/tfjs-core";
import { contract } from "./einsum.js";
import type { WasmRuntime } from "./wasm-runtime.js";

interface Attributes {
  begin: number | number[];
  size: number | number[];
  numSegments: number;
  alignCorners: boolean;
  halfPixelCenters: boolean;
  equation: string;
}
type Kernel = (call: { inputs: Record<string, TensorInfo>; attrs: Attributes }) => TensorInfo | undefined;

/** Where output position `index` reads its source: two neighbours and the weight of the second. */
function bilinearSource(index: number, length: number, outLength: number, attrs: Attributes) {
  const scale = attrs.alignCorners && outLength > 1 ? (length - 1) / (outLength - 1) : length / outLength;
  const position = attrs.halfPixelCenters ? Math.max(0, (index + 0.5) * scale - 0.5) : index * scale;
  const low = Math.min(Math.floor(position), length - 1);
  const high = Math.min(Math.ceil(position), length - 1);
  return { low, high, weight: position - Math.floor(position) };
}

/**
 * Kernels that tfjs' wasm backend lacks (ResizeBilinearGrad, UnsortedSegmentSum, Einsum, IsNan), and its Slice without
 * the copy of the whole input: the gradient of every padding is a slice.
 */
export function missingKernels(runtime: WasmRuntime): Record<string, Kernel> {
  const floats = (tensor: TensorInfo) => runtime.floats(tensor);

  return {
    Slice: ({ inputs, attrs }) => {
      const x = inputs.x!;
      const [begin, size] = slice_util.parseSliceParams(x as never, attrs.begin, attrs.size) as [number[], number[]];
      if (x.dtype === "string" || x.shape.length === 0 || size.includes(0)) return undefined;
      slice_util.assertParamsValid(x as never, begin, size);
      const out = runtime.output(size, x.dtype);
      const bytes = runtime.bytes();
      const elementBytes = util.bytesPerElement(x.dtype);
      // Trailing axes that are taken whole make one run with the axis in front of them.
      let axis = x.shape.length - 1;
      while (axis > 0 && size[axis] === x.shape[axis]) axis--;
      const strides = [...util.computeStrides(x.shape), 1];
      const runBytes = size[axis]! * strides[axis]! * elementBytes;
      const index = begin.slice(0, axis);
      const runs = util.sizeFromShape(size.slice(0, axis));
      const source = runtime.address(x) + begin[axis]! * strides[axis]! * elementBytes;
      let target = runtime.address(out);
      for (let run = 0; run < runs; run++) {
        const offset = index.reduce((total, position, i) => total + position * strides[i]!, 0) * elementBytes;
        bytes.copyWithin(target, source + offset, source + offset + runBytes);
        target += runBytes;
        for (let i = axis - 1; i >= 0; i--) {
          index[i]!++;
          if (index[i]! < begin[i]! + size[i]!) break;
          index[i] = begin[i]!;
        }
      }
      return out;
    },

    IsNan: ({ inputs }) => {
      const x = inputs.x!;
      const out = runtime.output(x.shape, "bool");
      const address = runtime.address(out);
      const size = util.sizeFromShape(x.shape);
      const bytes = runtime.bytes();
      if (x.dtype !== "float32") {
        bytes.fill(0, address, address + size);
        return out;
      }
      const values = floats(x);
      for (let i = 0; i < size; i++) bytes[address + i] = Number.isNaN(values[i]!) ? 1 : 0;
      return out;
    },

    UnsortedSegmentSum: ({ inputs, attrs: { numSegments } }) => {
      const { x, segmentIds } = inputs as { x: TensorInfo; segmentIds: TensorInfo };
      if (x.dtype !== "float32" || segmentIds.dtype !== "int32" || segmentIds.shape.length !== 1) return undefined;
      const out = runtime.output([numSegments, ...x.shape.slice(1)]);
      const ids = new Int32Array(runtime.bytes().buffer, runtime.address(segmentIds), segmentIds.shape[0]);
      const values = floats(x);
      const sums = floats(out).fill(0);
      const row = util.sizeFromShape(x.shape.slice(1));
      ids.forEach((id, r) => {
        // As on other backends, rows of no segment are dropped.
        if (id < 0 || id >= numSegments) return;
        for (let i = 0; i < row; i++) sums[id * row + i]! += values[r * row + i]!;
      });
      return out;
    },

    ResizeBilinearGrad: ({ inputs, attrs }) => {
      const { images, dy } = inputs as { images: TensorInfo; dy: TensorInfo };
      if (images.dtype !== "float32" || dy.dtype !== "float32") return undefined;
      const [batch, height, width, channels] = images.shape as [number, number, number, number];
      const [, outHeight, outWidth] = dy.shape as [number, number, number, number];
      const out = runtime.output(images.shape);
      const gradient = floats(dy);
      const dx = floats(out).fill(0);
      const columns = Array.from({ length: outWidth }, (_, c) => bilinearSource(c, width, outWidth, attrs));
      let from = 0;
      for (let b = 0; b < batch; b++) {
        for (let r = 0; r < outHeight; r++) {
          const rows = bilinearSource(r, height, outHeight, attrs);
          const top = (b * height + rows.low) * width;
          const bottom = (b * height + rows.high) * width;
          for (const { low, high, weight } of columns) {
            for (let k = 0; k < channels; k++, from++) {
              const below = gradient[from]! * rows.weight;
              const above = gradient[from]! - below;
              dx[(top + low) * channels + k]! += above * (1 - weight);
              dx[(top + high) * channels + k]! += above * weight;
              dx[(bottom + low) * channels + k]! += below * (1 - weight);
              dx[(bottom + high) * channels + k]! += below * weight;
            }
          }
        }
      }
      return out;
    },

    Einsum: ({ inputs, attrs: { equation } }) => contract(equation, Object.values(inputs) as Tensor[]),
  };
}
