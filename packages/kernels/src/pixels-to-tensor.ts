import { applyPixelChanges, checkOptions, PIXEL_CHANGE_BYTES, ShapeError } from "@acr/core";
import { engine, type Tensor1D, type Tensor4D, tensor1d, tensor4d, tidy } from "@tensorflow/tfjs-core";
import { currentWebGpuRuntime } from "./internal/current-webgpu-runtime.js";
import { changedPixels } from "./tensorflow/changed-pixels.js";
import { currentTensorFlowRuntime } from "./tensorflow/tensorflow-runtime.js";
import { PIXELS } from "./webgpu/kernel-names.js";

/** Elements of a word of four bytes. */
const BYTES = 4;

/** Options of `pixelsToTensor`. */
export interface PixelsToTensorOptions {
  /**
   * Changes of `packPixelChanges`, one for each picture, made on the way; the result is the same to the last bit wherever it
   * is computed. Default: none.
   */
  changes?: Uint8Array;
}

/**
 * Pictures of bytes as a float32 tensor of the same values, 0 … 255. With registered kernels the bytes go to the device as
 * bytes and become floats there, on `webgpu` and `tensorflow`: a quarter of the transfer, and no copy as floats on the way.
 * Elsewhere as `tensor4d`.
 *
 * @param pixels - row-major `[B, H, W, C]`; not kept.
 * @param shape - `[B, H, W, C]`.
 * @returns `[B, H, W, C]` float32. Owned by the caller.
 * @throws {ShapeError} the shape has another number of values, or the changes are of another number or not of three channels.
 * @example const x = pixelsToTensor(batch.images, [batch.size, 224, 224, 3]);
 */
export function pixelsToTensor(
  pixels: Uint8Array | Uint8ClampedArray,
  shape: [number, number, number, number],
  options: PixelsToTensorOptions = {},
): Tensor4D {
  checkOptions("pixelsToTensor", options, ["changes"]);
  const { changes } = options;
  const size = shape.reduce((product, side) => product * side, 1);
  if (pixels.length !== size) {
    throw new ShapeError(
      `pixelsToTensor: pixels must be [${shape}], ${size} values; got ${pixels.length}. Check the side of the crops.`,
    );
  }
  const [count, height, width, channels] = shape;
  if (changes && (channels !== 3 || changes.length !== count * PIXEL_CHANGE_BYTES)) {
    throw new ShapeError(
      `pixelsToTensor: changes must be packed, ${PIXEL_CHANGE_BYTES} bytes for each picture of 3 channels; got ${changes.length} bytes for [${shape}]. Use packPixelChanges.`,
    );
  }
  const tensorFlow = size > 0 ? currentTensorFlowRuntime() : undefined;
  if (tensorFlow) {
    if (changes) return changedPixels(tensorFlow, pixels, { shape, changes });
    return tensorFlow.fromBytes(pixels, shape) as Tensor4D;
  }
  if (size > 0 && currentWebGpuRuntime()) {
    return tidy(() => {
      const inputs = { words: toWords(pixels), ...(changes && { changes: toWords(changes) }) };
      return engine().runKernel(PIXELS, inputs, { shape }) as Tensor4D;
    });
  }
  if (!changes) return tensor4d(new Float32Array(pixels), shape);
  const changed = Uint8Array.from(pixels);
  applyPixelChanges(changed, changes, { width, height });
  return tensor4d(new Float32Array(changed), shape);
}

/** Four bytes a word, the first in its lowest bits; the last word is filled up with zeros. */
function toWords(bytes: Uint8Array | Uint8ClampedArray): Tensor1D {
  const words = new Int32Array(Math.ceil(bytes.length / BYTES));
  new Uint8Array(words.buffer).set(bytes);
  return tensor1d(words, "int32");
}
