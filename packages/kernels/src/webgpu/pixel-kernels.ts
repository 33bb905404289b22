import { PIXEL_CHANGE_BYTES, PIXEL_CHANGE_LAYOUT } from "@acr/core";
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { PIXELS } from "./kernel-names.js";
import { FLAT_INDEX, type Program, type WebGpuRuntime } from "./webgpu-runtime.js";

type Kernel = (call: { inputs: Record<string, TensorInfo>; attrs: { shape: number[] } }) => TensorInfo;

/** One thread a word: four bytes, the first in its lowest bits. */
const UNPACK: Program = {
  key: "pixels",
  type: "f32",
  types: { words: "u32" },
  inputs: ["words"],
  outputs: ["values"],
  uniforms: ["size"],
  code: `${FLAT_INDEX}
  let first = 4u * index;
  if (first >= u.size) { return; }
  let word = words[index];
  let count = min(4u, u.size - first);
  for (var i = 0u; i < count; i++) { values[first + i] = f32((word >> (8u * i)) & 255u); }
}`,
};

const { grey, color, block } = PIXEL_CHANGE_LAYOUT;

/** One thread a pixel; in whole numbers, as `applyPixelChanges` of the core does it. */
const CHANGE: Program = {
  key: "changed pixels",
  type: "f32",
  types: { words: "u32", changes: "u32" },
  inputs: ["words", "changes"],
  outputs: ["values"],
  uniforms: ["count", "width", "area"],
  code: `
fn pixel(at: u32) -> u32 { return (words[at / 4u] >> (8u * (at % 4u))) & 255u; }
fn change(at: u32) -> u32 { return (changes[at / 4u] >> (8u * (at % 4u))) & 255u; }
${FLAT_INDEX}
  if (index >= u.count) { return; }
  let row = ${PIXEL_CHANGE_BYTES}u * (index / u.area);
  var color = vec3<u32>(
    change(row + pixel(3u * index)),
    change(row + 256u + pixel(3u * index + 1u)),
    change(row + 512u + pixel(3u * index + 2u)),
  );
  if (change(row + ${grey}u) > 0u) {
    color = vec3<u32>((299u * color.r + 587u * color.g + 114u * color.b + 500u) / 1000u);
  }
  let x = index % u.area % u.width;
  let y = index % u.area / u.width;
  // Two numbers of 16 bits a word: left and top, then right and bottom.
  let low = changes[(row + ${block}u) / 4u];
  let high = changes[(row + ${block}u) / 4u + 1u];
  if (x >= (low & 65535u) && x < (high & 65535u) && y >= (low >> 16u) && y < (high >> 16u)) {
    color = vec3<u32>(change(row + ${color}u), change(row + ${color + 1}u), change(row + ${color + 2}u));
  }
  for (var i = 0u; i < 3u; i++) { values[3u * index + i] = f32(color[i]); }
}`,
};

/** Bytes, four a word, → float32: a quarter of the transfer, and the photometric changes on the way. */
export function pixelKernels(runtime: WebGpuRuntime): Record<string, Kernel> {
  return {
    [PIXELS]: ({ inputs: { words, changes }, attrs: { shape } }) => {
      const values = runtime.output(shape);
      const size = shape.reduce((product, side) => product * side, 1);
      if (changes) {
        const [, height, width] = shape as [number, number, number, number];
        const count = size / 3;
        runtime.run(CHANGE, [words!, changes], [values], [count, width, width * height], runtime.flat(count));
      } else {
        runtime.run(UNPACK, [words!], [values], [size], runtime.flat(Math.ceil(size / 4)));
      }
      return values;
    },
  };
}
