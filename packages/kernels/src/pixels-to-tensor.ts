import { ShapeError } from "@acr/core";
import { engine, type Tensor4D, tensor1d, tensor4d, tidy } from "@tensorflow/tfjs-core";
import { currentWebGpuRuntime } from "./internal/current-webgpu-runtime.js";
import { currentTensorFlowRuntime } from "./tensorflow/tensorflow-runtime.js";
import { PIXELS } from "./webgpu/kernel-names.js";

/** Elements of a word of four bytes. */
const BYTES = 4;

/**
 * Pictures of bytes as a float32 tensor of the same values, 0 … 255. With registered kernels the bytes go to the device as
 * bytes and become floats there, on `webgpu` and `tensorflow`: a quarter of the transfer, and no copy as floats on the way.
 * Elsewhere as `tensor4d`.
 *
 * @param pixels - row-major `[B, H, W, C]`; not kept.
 * @param shape - `[B, H, W, C]`.
 * @returns `[B, H, W, C]` float32. Owned by the caller.
 * @throws {ShapeError} the shape has another number of values.
 * @example const x = pixelsToTensor(batch.images, [batch.size, 224, 224, 3]);
 */
export function pixelsToTensor(
  pixels: Uint8Array | Uint8ClampedArray,
  shape: [number, number, number, number],
): Tensor4D {
  const size = shape.reduce((product, side) => product * side, 1);
  if (pixels.length !== size) {
    throw new ShapeError(
      `pixelsToTensor: pixels must be [${shape}], ${size} values; got ${pixels.length}. Check the side of the crops.`,
    );
  }
  const tensorFlow = size > 0 ? currentTensorFlowRuntime() : undefined;
  if (tensorFlow) return tensorFlow.fromBytes(pixels, shape) as Tensor4D;
  if (size > 0 && currentWebGpuRuntime()) {
    return tidy(() => {
      const words = new Int32Array(Math.ceil(size / BYTES));
      new Uint8Array(words.buffer).set(pixels);
      return engine().runKernel(PIXELS, { words: tensor1d(words, "int32") }, { shape }) as Tensor4D;
    });
  }
  return tensor4d(new Float32Array(pixels), shape);
}
