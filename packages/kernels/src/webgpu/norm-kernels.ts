import { engine, type GradConfig, type Tensor, type TensorInfo } from "@tensorflow/tfjs-core";
import type { FusedActivation } from "../fused-activation.js";
import { activationCode } from "./activation-code.js";
import { type Columns, columns, elementType, MOST_CHUNKS } from "./columns.js";
import { MOVING_AVERAGE, NORM, NORM_GRADIENT, NORM_INFERENCE } from "./kernel-names.js";
import { FLAT_INDEX, type WebGpuRuntime } from "./webgpu-runtime.js";

interface Attributes {
  epsilon: number;
  activation: FusedActivation;
  isTraining: boolean;
  momentum: number;
}
type Kernel = (call: { inputs: Record<string, TensorInfo>; attrs: Attributes }) => TensorInfo | TensorInfo[];

/**
 * Moments of a chunk of rows. Each thread shifts by its own first value and threads are merged by Chan, Golub and
 * LeVeque's formula (1983), so that a mean far from zero costs no digits.
 */
const momentsCode = ({ lanes, rows }: Columns) => `
var<workgroup> means: array<T, ${lanes * rows}>;
var<workgroup> squares: array<T, ${lanes * rows}>;
var<workgroup> counts: array<f32, ${lanes * rows}>;

@compute @workgroup_size(${lanes}, ${rows})
fn main(@builtin(local_invocation_id) local: vec3<u32>, @builtin(workgroup_id) group: vec3<u32>) {
  let i = local.y * ${lanes}u + local.x;
  let c = group.x * ${lanes}u + local.x;
  let begin = group.y * u.chunkRows + local.y;
  let end = min((group.y + 1u) * u.chunkRows, u.rows);
  var shift = T(0.0);
  var sum = T(0.0);
  var square = T(0.0);
  var count = 0.0;
  if (c < u.columns && begin < end) {
    shift = x[begin * u.columns + c];
    for (var row = begin; row < end; row += ${rows}u) {
      let d = x[row * u.columns + c] - shift;
      sum += d;
      square += d * d;
      count += 1.0;
    }
  }
  let offset = sum / max(count, 1.0);
  var average = shift + offset;
  var spread = square - sum * offset;
  means[i] = average;
  squares[i] = spread;
  counts[i] = count;
  workgroupBarrier();
  if (local.y > 0u || c >= u.columns) { return; }
  for (var j = i + ${lanes}u; j < ${lanes * rows}u; j += ${lanes}u) {
    let total = count + counts[j];
    let share = counts[j] / max(total, 1.0);
    let gap = means[j] - average;
    average += gap * share;
    spread += squares[j] + gap * gap * (count * share);
    count = total;
  }
  partial[2u * group.y * u.columns + c] = average;
  partial[(2u * group.y + 1u) * u.columns + c] = spread;
}`;

/** Merges the chunks; `norm` [4, C] holds scale, β, mean and 1 / √(variance + ε): y = (x − mean) · scale + β. */
const mergeMomentsCode = `${FLAT_INDEX}
  if (index >= u.channels) { return; }
  var average = 0.0;
  var square = 0.0;
  var total = 0.0;
  for (var k = 0u; k < u.chunks; k++) {
    let count = f32(min(u.chunkRows, u.rows - k * u.chunkRows));
    let share = count / (total + count);
    let gap = partial[2u * k * u.channels + index] - average;
    average += gap * share;
    square += partial[(2u * k + 1u) * u.channels + index] + gap * gap * (total * share);
    total += count;
  }
  let spread = max(square, 0.0) / total;
  let inverse = 1.0 / sqrt(spread + u.epsilon);
  mean[index] = average;
  variance[index] = spread;
  norm[index] = gamma[index] * inverse;
  norm[u.channels + index] = beta[index];
  norm[2u * u.channels + index] = average;
  norm[3u * u.channels + index] = inverse;
}`;

const givenMomentsCode = `${FLAT_INDEX}
  if (index >= u.channels) { return; }
  let inverse = 1.0 / sqrt(variance[index] + u.epsilon);
  norm[index] = gamma[index] * inverse;
  norm[u.channels + index] = beta[index];
  norm[2u * u.channels + index] = mean[index];
  norm[3u * u.channels + index] = inverse;
}`;

const applyCode = `${FLAT_INDEX}
  if (index >= u.size) { return; }
  let c = index % u.columns;
  y[index] = activate((x[index] - norm[2u * u.columns + c]) * norm[c] + norm[u.columns + c]);
}`;

/** Σg and Σg·x̂ of a chunk of rows, g = dL/dy · activation′(z), x̂ = (x − mean) / √(variance + ε). */
const gradientSumsCode = ({ lanes, rows }: Columns) => `
var<workgroup> sums: array<T, ${lanes * rows}>;
var<workgroup> products: array<T, ${lanes * rows}>;

@compute @workgroup_size(${lanes}, ${rows})
fn main(@builtin(local_invocation_id) local: vec3<u32>, @builtin(workgroup_id) group: vec3<u32>) {
  let i = local.y * ${lanes}u + local.x;
  let c = group.x * ${lanes}u + local.x;
  let end = min((group.y + 1u) * u.chunkRows, u.rows);
  var sum = T(0.0);
  var product = T(0.0);
  if (c < u.columns) {
    let scale = norm[c];
    let beta = norm[u.columns + c];
    let mean = norm[2u * u.columns + c];
    let inverse = norm[3u * u.columns + c];
    for (var row = group.y * u.chunkRows + local.y; row < end; row += ${rows}u) {
      let at = row * u.columns + c;
      let d = x[at] - mean;
      let g = dy[at] * slope(d * scale + beta);
      sum += g;
      product += g * d * inverse;
    }
  }
  sums[i] = sum;
  products[i] = product;
  workgroupBarrier();
  if (local.y > 0u || c >= u.columns) { return; }
  for (var j = i + ${lanes}u; j < ${lanes * rows}u; j += ${lanes}u) {
    sum += sums[j];
    product += products[j];
  }
  partial[2u * group.y * u.columns + c] = sum;
  partial[(2u * group.y + 1u) * u.columns + c] = product;
}`;

const mergeSumsCode = `${FLAT_INDEX}
  if (index >= u.channels) { return; }
  var sum = 0.0;
  var product = 0.0;
  for (var k = 0u; k < u.chunks; k++) {
    sum += partial[2u * k * u.channels + index];
    product += partial[(2u * k + 1u) * u.channels + index];
  }
  dBeta[index] = sum;
  dGamma[index] = product;
}`;

/** Moments of the batch depend on x; given ones do not. */
const gradientCode = (isTraining: boolean) => `${FLAT_INDEX}
  if (index >= u.size) { return; }
  let c = index % u.columns;
  let scale = norm[c];
  let d = x[index] - norm[2u * u.columns + c];
  let g = dy[index] * slope(d * scale + norm[u.columns + c]);
  dx[index] = scale * ${isTraining ? "(g - (dBeta[c] + d * norm[3u * u.columns + c] * dGamma[c]) * u.perRow)" : "g"};
}`;

const movingAverageCode = `${FLAT_INDEX}
  if (index >= u.size) { return; }
  result[index] = moving[index] + (value[index] - moving[index]) * u.rate;
}`;

/** Batch normalisation and the activation behind it, forward and backward, over all axes but the last. */
export function normKernels(runtime: WebGpuRuntime): Record<string, Kernel> {
  const geometry = (x: TensorInfo) => {
    const channels = x.shape.at(-1)!;
    const size = x.shape.reduce((product, side) => product * side, 1);
    const type = elementType(channels);
    const width = type === "f32" ? 1 : 4;
    return { channels, size: size / width, rows: size / channels, type, width, columns: channels / width };
  };
  const release = (...tensors: TensorInfo[]) => {
    for (const { dataId } of tensors) runtime.backend.disposeData(dataId);
  };
  const apply = (x: TensorInfo, norm: TensorInfo, activation: FusedActivation): TensorInfo => {
    const { type, size, columns } = geometry(x);
    const y = runtime.output(x.shape);
    runtime.run(
      {
        key: `norm-apply ${activation} ${type}`,
        type,
        inputs: ["x", "norm"],
        outputs: ["y"],
        uniforms: ["size", "columns"],
        code: activationCode(activation) + applyCode,
      },
      [x, norm],
      [y],
      [size, columns],
      runtime.flat(size),
    );
    return y;
  };

  return {
    // → y, mean, variance, and what the gradient reads.
    [NORM]: ({ inputs: { x, gamma, beta }, attrs: { epsilon, activation } }) => {
      const { channels, rows, type, columns: width } = geometry(x!);
      const split = columns(width, rows, MOST_CHUNKS);
      const partial = runtime.output([split.chunks, 2, channels]);
      runtime.run(
        {
          key: `norm-moments ${type} ${split.lanes}`,
          type,
          inputs: ["x"],
          outputs: ["partial"],
          uniforms: ["rows", "columns", "chunkRows"],
          code: momentsCode(split),
        },
        [x!],
        [partial],
        [rows, width, split.chunkRows],
        split.groups,
      );
      const [mean, variance, norm] = [[channels], [channels], [4, channels]].map((shape) => runtime.output(shape));
      runtime.run(
        {
          key: "norm-merge-moments",
          type: "f32",
          inputs: ["partial", "gamma", "beta"],
          outputs: ["mean", "variance", "norm"],
          uniforms: ["rows", "channels", "chunkRows", "chunks", "epsilon"],
          floats: ["epsilon"],
          code: mergeMomentsCode,
        },
        [partial, gamma!, beta!],
        [mean!, variance!, norm!],
        [rows, channels, split.chunkRows, split.chunks, epsilon],
        runtime.flat(channels),
      );
      release(partial);
      return [apply(x!, norm!, activation), mean!, variance!, norm!];
    },

    // → y, and what the gradient reads.
    [NORM_INFERENCE]: ({ inputs: { x, gamma, beta, mean, variance }, attrs: { epsilon, activation } }) => {
      const { channels } = geometry(x!);
      const norm = runtime.output([4, channels]);
      runtime.run(
        {
          key: "norm-given-moments",
          type: "f32",
          inputs: ["gamma", "beta", "mean", "variance"],
          outputs: ["norm"],
          uniforms: ["channels", "epsilon"],
          floats: ["epsilon"],
          code: givenMomentsCode,
        },
        [gamma!, beta!, mean!, variance!],
        [norm],
        [channels, epsilon],
        runtime.flat(channels),
      );
      return [apply(x!, norm, activation), norm];
    },

    // → dx, dγ, dβ
    [NORM_GRADIENT]: ({ inputs: { dy, x, norm }, attrs: { activation, isTraining } }) => {
      const { channels, size, rows, type, columns: width } = geometry(x!);
      const split = columns(width, rows, MOST_CHUNKS);
      const partial = runtime.output([split.chunks, 2, channels]);
      const activationText = activationCode(activation);
      runtime.run(
        {
          key: `norm-gradient-sums ${activation} ${type} ${split.lanes}`,
          type,
          inputs: ["x", "dy", "norm"],
          outputs: ["partial"],
          uniforms: ["rows", "columns", "chunkRows"],
          code: activationText + gradientSumsCode(split),
        },
        [x!, dy!, norm!],
        [partial],
        [rows, width, split.chunkRows],
        split.groups,
      );
      const [dx, dGamma, dBeta] = [x!.shape, [channels], [channels]].map((shape) => runtime.output(shape));
      runtime.run(
        {
          key: "norm-merge-sums",
          type: "f32",
          inputs: ["partial"],
          outputs: ["dGamma", "dBeta"],
          uniforms: ["channels", "chunks"],
          code: mergeSumsCode,
        },
        [partial],
        [dGamma!, dBeta!],
        [channels, split.chunks],
        runtime.flat(channels),
      );
      release(partial);
      const sums = isTraining ? ["dGamma", "dBeta"] : [];
      runtime.run(
        {
          key: `norm-gradient ${isTraining} ${activation} ${type}`,
          type,
          inputs: ["x", "dy", "norm", ...sums],
          outputs: ["dx"],
          uniforms: ["size", "columns", "perRow"],
          floats: ["perRow"],
          code: activationText + gradientCode(isTraining),
        },
        [x!, dy!, norm!, ...(isTraining ? [dGamma!, dBeta!] : [])],
        [dx!],
        [size, width, 1 / rows],
        runtime.flat(size),
      );
      return [dx!, dGamma!, dBeta!];
    },

    // moving + (value − moving) · (1 − momentum)
    [MOVING_AVERAGE]: ({ inputs: { moving, value }, attrs: { momentum } }) => {
      const result = runtime.output(moving!.shape);
      const size = moving!.shape.reduce((product, side) => product * side, 1);
      runtime.run(
        {
          key: "moving-average",
          type: "f32",
          inputs: ["moving", "value"],
          outputs: ["result"],
          uniforms: ["size", "rate"],
          floats: ["rate"],
          code: movingAverageCode,
        },
        [moving!, value!],
        [result],
        [size, 1 - momentum],
        runtime.flat(size),
      );
      return result;
    },
  };
}

const gradients = (dy: Tensor, x: Tensor, norm: Tensor, attrs: object, isTraining: boolean) => {
  const inputs = { dy, x, norm };
  const [dx, dGamma, dBeta] = engine().runKernel(
    NORM_GRADIENT,
    inputs as never,
    { ...attrs, isTraining } as never,
  ) as unknown as Tensor[];
  return { x: () => dx!, gamma: () => dGamma!, beta: () => dBeta! };
};

/** Gradients of the kernels above, for tfjs' registry. */
export const normGradients: GradConfig[] = [
  {
    kernelName: NORM,
    inputsToSave: ["x"],
    outputsToSave: [false, false, false, true],
    gradFunc: (dy, [x, norm], attrs) => gradients((dy as Tensor[])[0]!, x!, norm!, attrs, true),
  },
  {
    kernelName: NORM_INFERENCE,
    inputsToSave: ["x"],
    outputsToSave: [false, true],
    gradFunc: (dy, [x, norm], attrs) => gradients((dy as Tensor[])[0]!, x!, norm!, attrs, false),
  },
];
