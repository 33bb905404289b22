import { type TensorInfo, util } from "@tensorflow/tfjs-core";
import { ACTIVATION_CODES } from "../fused-activation.js";
import type { WasmRuntime } from "./wasm-runtime.js";

/**
 * x · scale + shift by channel, scale and shift having as many values as x has channels. Four pixels count as one where
 * the channels are no whole vectors, as a picture's three.
 *
 * @returns `undefined` where neither channels nor pixels are a multiple of four.
 */
export function scaleChannels(
  runtime: WasmRuntime,
  x: TensorInfo,
  { scale, shift }: { scale?: TensorInfo; shift?: TensorInfo },
): TensorInfo | undefined {
  const channels = x.shape.at(-1)!;
  const length = channels % 4 === 0 ? channels : 4 * channels;
  const size = util.sizeFromShape(x.shape);
  if (size % length !== 0) return undefined;
  const out = runtime.output(x.shape);
  const factors = runtime.scratch(2 * length * Float32Array.BYTES_PER_ELEMENT);
  const values = runtime.view(factors, 2 * length);
  values.fill(1, 0, length).fill(0, length);
  for (let i = 0; i < length; i += channels) {
    if (scale) values.set(runtime.floats(scale), i);
    if (shift) values.set(runtime.floats(shift), length + i);
  }
  const args = [size / length, length, factors, ACTIVATION_CODES.linear, 0];
  runtime.run("normApply", runtime.address(x), runtime.address(out), ...args);
  return out;
}
