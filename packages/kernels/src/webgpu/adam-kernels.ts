import type { TensorInfo } from "@tensorflow/tfjs-core";
import { ADAM, CLIP_SCALE } from "./kernel-names.js";
import { FLAT_INDEX, FLAT_SIZE, type Program, type WebGpuRuntime } from "./webgpu-runtime.js";

/** Numbers of a step. */
interface Attributes {
  beta1: number;
  beta2: number;
  rate: number;
  unbias: number;
  epsilon: number;
  keepFactor: number;
  clipNorm: number;
}
type Kernel = (call: { inputs: Record<string, TensorInfo>; attrs: Attributes }) => TensorInfo;

/** Sum of a function of all elements by one workgroup, into `result[u.slot]`. */
const sumBy = (element: string, finish: string) => `
var<workgroup> sums: array<f32, ${FLAT_SIZE}>;

@compute @workgroup_size(${FLAT_SIZE})
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var i = lane; i < u.size; i += ${FLAT_SIZE}u) { sum += ${element}; }
  sums[lane] = sum;
  workgroupBarrier();
  for (var step = ${FLAT_SIZE / 2}u; step > 0u; step /= 2u) {
    if (lane < step) { sums[lane] += sums[lane + step]; }
    workgroupBarrier();
  }
  if (lane == 0u) { let total = sums[0]; result[u.slot] = ${finish}; }
}`;

const SQUARES: Program = {
  key: "adam-squares",
  type: "f32",
  inputs: ["x"],
  outputs: ["result"],
  uniforms: ["size", "slot"],
  code: sumBy("x[i] * x[i]", "total"),
};

const SCALE: Program = {
  key: "adam-scale",
  type: "f32",
  inputs: ["x"],
  outputs: ["result"],
  uniforms: ["size", "slot", "clipNorm"],
  floats: ["clipNorm"],
  // Written so that a gradient that is not finite shows in the weights instead of vanishing.
  code: sumBy("x[i]", "select(u.clipNorm / sqrt(total), 1.0, sqrt(total) <= u.clipNorm)"),
};

const STEP: Program = {
  key: "adam-step",
  type: "f32",
  inputs: ["weight", "gradient", "scale"],
  outputs: ["m", "v", "result"],
  uniforms: ["size", "beta1", "rest1", "beta2", "rest2", "rate", "unbias", "epsilon", "keepFactor"],
  // 1 − β is handed over: in float32 it would lose the digits that β2 has little of.
  floats: ["beta1", "rest1", "beta2", "rest2", "rate", "unbias", "epsilon", "keepFactor"],
  code: `${FLAT_INDEX}
  if (index >= u.size) { return; }
  let g = gradient[index] * scale[0];
  let first = m[index] * u.beta1 + g * u.rest1;
  let second = v[index] * u.beta2 + g * g * u.rest2;
  m[index] = first;
  v[index] = second;
  result[index] = weight[index] * u.keepFactor - first * u.rate / (sqrt(second * u.unbias) + u.epsilon);
}`,
};

const sizeOf = ({ shape }: TensorInfo) => shape.reduce((product, side) => product * side, 1);

/** Adam's step of one weight in one pass, and the factor that clips all gradients, which stays on the device. */
export function adamKernels(runtime: WebGpuRuntime): Record<string, Kernel> {
  return {
    // Gradients by position → what they are multiplied with, [1].
    [CLIP_SCALE]: ({ inputs, attrs: { clipNorm } }) => {
      const gradients = Object.values(inputs);
      const squares = runtime.output([gradients.length]);
      gradients.forEach((gradient, slot) =>
        runtime.run(SQUARES, [gradient], [squares], [sizeOf(gradient), slot], [1, 1, 1]),
      );
      const scale = runtime.output([1]);
      runtime.run(SCALE, [squares], [scale], [gradients.length, 0, clipNorm], [1, 1, 1]);
      runtime.backend.disposeData(squares.dataId);
      return scale;
    },

    // The new weight; m and v change in place.
    [ADAM]: ({ inputs: { weight, gradient, scale, m, v }, attrs }) => {
      const result = runtime.output(weight!.shape);
      const size = sizeOf(weight!);
      const { beta1, beta2, rate, unbias, epsilon, keepFactor } = attrs;
      runtime.run(
        STEP,
        [weight!, gradient!, scale!],
        [m!, v!, result],
        [size, beta1, 1 - beta1, beta2, 1 - beta2, rate, unbias, epsilon, keepFactor],
        runtime.flat(size),
      );
      return result;
    },
  };
}
