import { packPixelChanges } from "@acr/core";
import * as tf from "@tensorflow/tfjs-core";
import { FusedAdam, type FusedActivation, fusedBatchNormActivation, pixelsToTensor } from "../../index.js";

/** One comparison: values of the same tensors on two backends. */
export interface KernelCase {
  name: string;
  run(): tf.Tensor[] | Promise<tf.Tensor[]>;
}

const ACTIVATIONS: FusedActivation[] = ["linear", "relu", "relu6", "swish", "sigmoid", "hardSwish"];

/** Values without corners of relu and relu6 within rounding: |z| and |z − 6| stay above 1e-3 with these seeds. */
const noise = (shape: number[], seed: number, low = -1, high = 1) =>
  tf.randomUniform(shape, low, high, "float32", seed);

function normCase(shape: number[], activation: FusedActivation, hasMoments: boolean, offset = 0): KernelCase {
  return {
    name: `norm [${shape}] ${activation}${hasMoments ? ", given moments" : ""}${offset ? `, mean ${offset}` : ""}`,
    run: () =>
      tf.tidy(() => {
        const channels = shape.at(-1)!;
        const x = tf.add(noise(shape, 1, -2, 2), offset);
        const [gamma, beta] = [noise([channels], 2, 1, 4), noise([channels], 3, -1, 3)];
        const moments = hasMoments
          ? { mean: noise([channels], 5, -0.5, 0.5), variance: noise([channels], 6, 0.5, 2) }
          : undefined;
        const { y, mean, variance } = fusedBatchNormActivation(x, gamma, beta, { activation, moments });
        const gradients = tf.grads(
          (x, gamma, beta) => fusedBatchNormActivation(x, gamma, beta, { activation, moments }).y,
        )([x, gamma, beta], noise(shape, 4));
        return [y, mean.clone(), variance.clone(), ...gradients];
      }),
  };
}

interface Geometry {
  x: [number, number, number, number];
  filter: [number, number, number, number];
  strides: number | [number, number];
  pad: "same" | "valid" | [number, number][];
  isDepthwise?: boolean;
}

function convolutionCase({ x, filter, strides, pad, isDepthwise = false }: Geometry): KernelCase {
  const padText = typeof pad === "string" ? pad : JSON.stringify(pad);
  return {
    name: `${isDepthwise ? "depthwise" : "conv"} [${x}] ∗ [${filter}], strides ${strides}, ${padText}`,
    run: () =>
      tf.tidy(() => {
        const f = (x: tf.Tensor, filter: tf.Tensor) =>
          isDepthwise
            ? tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, strides, pad as never)
            : tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, strides, pad as never);
        const inputs = [noise(x, 1), noise(filter, 2)];
        const y = f(inputs[0]!, inputs[1]!);
        return [y, ...tf.grads(f)(inputs, noise(y.shape, 3))];
      }),
  };
}

const adamCase = (options: { weightDecay?: number; clipNorm?: number }): KernelCase => ({
  name: `FusedAdam ${JSON.stringify(options)}`,
  run: async () => {
    const shapes = [[3, 3, 5, 7], [1], [700], [64, 33]];
    const weights = shapes.map((shape, i) => tf.tidy(() => tf.variable(noise(shape, i + 1))));
    const adam = new FusedAdam({ learningRate: 0.01, ...options });
    for (let step = 0; step < 5; step++) {
      tf.tidy(() => {
        // A warm-up that begins at 0, and gradients of very different sizes.
        const grads = weights.map((w, i) => tf.mul(noise(w.shape, 10 * step + i + 20), 10 ** (i - 2)));
        const named = Object.fromEntries(weights.map((w, i) => [w.name, grads[i]!]));
        adam.applyGradients(named, { learningRate: 0.01 * Math.min(1, step / 2) });
      });
    }
    const { slots } = await adam.readState();
    const moments = weights.flatMap(({ name }) => [tf.tensor1d(slots[name]!.m), tf.tensor1d(slots[name]!.v)]);
    const values = weights.map((weight) => weight.clone());
    adam.dispose();
    tf.dispose(weights);
    return [...values, ...moments];
  },
});

/** Bytes of an odd number, from the middle of a buffer. */
const pixelsCase: KernelCase = {
  name: "pixelsToTensor [3, 5, 3, 3]",
  run: () => {
    const bytes = Uint8Array.from({ length: 140 }, (_, i) => (i * 83) % 256).subarray(3, 3 + 135);
    return [pixelsToTensor(bytes, [3, 5, 3, 3]), pixelsToTensor(new Uint8ClampedArray(bytes), [1, 1, 135, 1])];
  },
};

/** All changes, none, and one alone, with an odd number of bytes in all. */
const changedPixelsCase: KernelCase = {
  name: "pixelsToTensor [5, 5, 7, 3] with changes",
  run: () => {
    const bytes = Uint8Array.from({ length: 525 }, (_, i) => (i * 83) % 256);
    const levels = Uint8Array.from({ length: 768 }, (_, i) => (i * 29 + 7) % 256);
    const block = { left: 2, top: 1, right: 7, bottom: 4, color: [250, 3, 77] as const };
    const changes = packPixelChanges([{ levels, grey: true, block }, undefined, { grey: true }, { block }, { levels }]);
    return [pixelsToTensor(bytes, [5, 5, 7, 3], { changes })];
  },
};

const same = [
  [0, 0],
  [1, 1],
  [1, 1],
  [0, 0],
] as [number, number][];
const uneven = [
  [0, 0],
  [0, 1],
  [2, 0],
  [0, 0],
] as [number, number][];

/** What is compared with tfjs' `cpu` backend, in Node and in Chromium. */
export const KERNEL_CASES: KernelCase[] = [
  ...ACTIVATIONS.flatMap((activation) =>
    [
      [2, 5, 3, 8],
      [3, 7, 7, 5],
    ].flatMap((shape) => [normCase(shape, activation, false), normCase(shape, activation, true)]),
  ),
  // Several chunks of rows; more columns than lanes; one row; two ranks; a mean far from zero.
  normCase([4, 33, 31, 4], "swish", false),
  normCase([4, 33, 31, 3], "relu6", false),
  normCase([2, 3, 3, 132], "hardSwish", false),
  normCase([2, 3, 3, 67], "sigmoid", false),
  normCase([37, 6], "swish", false),
  normCase([2, 9, 9, 4], "linear", false, 30),
  ...(
    [
      { x: [2, 7, 5, 3], filter: [3, 3, 3, 6], strides: 1, pad: "same" },
      { x: [2, 9, 8, 3], filter: [3, 3, 3, 8], strides: 2, pad: "same" },
      { x: [2, 9, 8, 4], filter: [3, 3, 4, 4], strides: 2, pad: "valid" },
      { x: [1, 8, 9, 5], filter: [5, 3, 5, 7], strides: [2, 1], pad: "same" },
      { x: [2, 8, 8, 3], filter: [3, 3, 3, 4], strides: 2, pad: uneven },
      { x: [3, 6, 5, 40], filter: [1, 1, 40, 37], strides: 1, pad: "same" },
      { x: [2, 7, 7, 8], filter: [1, 1, 8, 12], strides: 2, pad: "same" },
      { x: [4, 20, 19, 6], filter: [1, 1, 6, 9], strides: 1, pad: "valid" },
      { x: [2, 4, 4, 70], filter: [3, 3, 70, 66], strides: 1, pad: "same" },
    ] as Geometry[]
  ).map(convolutionCase),
  ...(
    [
      { x: [2, 7, 5, 8], filter: [3, 3, 8, 1], strides: 1, pad: "same" },
      { x: [2, 9, 8, 6], filter: [3, 3, 6, 1], strides: 2, pad: "same" },
      { x: [2, 9, 9, 12], filter: [5, 5, 12, 1], strides: 2, pad: "valid" },
      { x: [1, 8, 9, 4], filter: [3, 5, 4, 1], strides: 1, pad: same },
      { x: [2, 8, 8, 4], filter: [3, 3, 4, 1], strides: 2, pad: uneven },
      { x: [2, 6, 7, 3], filter: [3, 3, 3, 2], strides: 2, pad: "same" },
      { x: [3, 30, 29, 72], filter: [3, 3, 72, 1], strides: 1, pad: "same" },
    ] as Geometry[]
  ).map((geometry) => convolutionCase({ ...geometry, isDepthwise: true })),
  pixelsCase,
  changedPixelsCase,
  adamCase({}),
  adamCase({ weightDecay: 0.1 }),
  adamCase({ clipNorm: 0.5 }),
  adamCase({ weightDecay: 0.1, clipNorm: 1e6 }),
];

/** The values of every case on the current backend; fails where a case leaks a tensor. */
export async function runKernelCases(): Promise<number[][][]> {
  const results: number[][][] = [];
  for (const { name, run } of KERNEL_CASES) {
    const before = tf.memory().numTensors;
    const tensors = await run();
    results.push(await Promise.all(tensors.map(async (tensor) => [...(await tensor.data())])));
    tf.dispose(tensors);
    const leaked = tf.memory().numTensors - before;
    if (leaked !== 0) throw new Error(`${name}: ${leaked} tensors leaked.`);
  }
  return results;
}

/** The largest difference of each case, relative to the largest value of its tensor. */
export function distances(actual: number[][][], expected: number[][][]): { name: string; distance: number }[] {
  return KERNEL_CASES.map(({ name }, k) => ({
    name,
    distance: Math.max(
      ...expected[k]!.map((values, t) => {
        const own = actual[k]?.[t];
        if (own?.length !== values.length) return Number.POSITIVE_INFINITY;
        const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
        return values.reduce((most, value, i) => {
          const off = Math.abs(value - own[i]!) / largest;
          return Number.isNaN(off) ? Number.POSITIVE_INFINITY : Math.max(most, off);
        }, 0);
      }),
    ),
  }));
}
