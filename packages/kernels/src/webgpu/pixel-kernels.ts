import type { TensorInfo } from "@tensorflow/tfjs-core";
import { PIXELS } from "./kernel-names.js";
import { FLAT_INDEX, type Program, type WebGpuRuntime } from "./webgpu-runtime.js";

type Kernel = (call: { inputs: Record<string, TensorInfo>; attrs: { shape: number[] } }) => TensorInfo;

const UNPACK: Program = {
  key: "pixels",
  type: "f32",
  types: { words: "u32" },
  inputs: ["words"],
  outputs: ["values"],
  uniforms: ["size"],
  // Four bytes a word, the first in its lowest bits.
  code: `${FLAT_INDEX}
  if (index >= u.size) { return; }
  values[index] = f32((words[index / 4u] >> (8u * (index % 4u))) & 255u);
}`,
};

/** Bytes, four a word, → float32: a quarter of the transfer. */
export function pixelKernels(runtime: WebGpuRuntime): Record<string, Kernel> {
  return {
    [PIXELS]: ({ inputs: { words }, attrs: { shape } }) => {
      const values = runtime.output(shape);
      const size = shape.reduce((product, side) => product * side, 1);
      runtime.run(UNPACK, [words!], [values], [size], runtime.flat(size));
      return values;
    },
  };
}
