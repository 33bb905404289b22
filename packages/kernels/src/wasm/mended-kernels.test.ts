import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { createRandom, type Random } from "@acr/core";
import { expectNoTensorLeak } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import { registerTrainingKernels, type TrainingKernels } from "../register-training-kernels.js";
import { expectAsOnCpu } from "./__fixtures__/expect-as-on-cpu.js";

type Run = (...inputs: tf.Tensor[]) => tf.Tensor | tf.Tensor[];
interface Case {
  shapes: number[][];
  run: Run;
  dtype?: "int32" | undefined;
}

const CASES = 30;
const ACTIVATIONS = ["linear", "relu", "relu6", "prelu", "leakyrelu", "sigmoid", "elu"] as const;
type Activation = (typeof ACTIVATIONS)[number];

const draw = (shape: number[], seed: number, dtype: Case["dtype"]): tf.Tensor =>
  dtype === "int32"
    ? tf.cast(tf.randomUniform(shape, -300, 300, "float32", seed), dtype)
    : tf.randomUniform(shape, -1, 1, "float32", seed);

const between = (random: Random, from: number, to: number) => from + random.integer(to - from + 1);

/** Sizes of a convolution or pooling: steps beyond the window, windows that are not square, every padding and rounding. */
function windows(random: Random) {
  const size = [between(random, 1, 3), between(random, 1, 3)] as [number, number];
  const strides = [between(random, 1, 4), between(random, 1, 4)] as [number, number];
  const side = () => between(random, 0, 2);
  const pad = random.pick([
    "same",
    "valid",
    0,
    1,
    [
      [0, 0],
      [side(), side()],
      [side(), side()],
      [0, 0],
    ],
  ] as const);
  const rounding = typeof pad === "number" ? random.pick([undefined, "floor", "round", "ceil"] as const) : undefined;
  const map = [between(random, 1, 2), between(random, 5, 9), between(random, 5, 9), between(random, 1, 6)];
  return { size, strides, pad: pad as "same", rounding, map };
}

function fusedConvolution(random: Random, isDepthwise: boolean): Case {
  const { size, strides, pad, rounding: dimRoundingMode, map } = windows(random);
  const [C, D] = [map[3]!, between(random, 1, isDepthwise ? 2 : 7)];
  const outputs = isDepthwise ? C * D : D;
  const activation: Activation = random.pick(ACTIVATIONS);
  const hasBias = random.chance(0.7);
  const dilations = random.chance(0.2) ? 2 : 1;
  return {
    shapes: [map, [...size, C, D], [outputs], [1, 1, outputs]],
    run: (x, filter, bias, slopes) =>
      (isDepthwise ? tf.fused.depthwiseConv2d : tf.fused.conv2d)({
        x: x as tf.Tensor4D,
        filter: filter as tf.Tensor4D,
        // tfjs' cpu backend knows only equal strides of depthwise convolutions.
        strides: dilations > 1 ? 1 : isDepthwise ? strides[0] : strides,
        dilations,
        pad,
        dimRoundingMode,
        activation,
        ...(hasBias && { bias }),
        ...(activation === "prelu" && { preluActivationWeights: slopes }),
        leakyreluAlpha: 0.3,
      }),
  };
}

function fusedProduct(random: Random): Case {
  const [M, K, N] = [1, 2, 3].map(() => between(random, 1, 9)) as [number, number, number];
  const [transposeA, transposeB] = [random.chance(0.5), random.chance(0.5)];
  const batch = random.pick([[], [3], [2, 2]] as number[][]);
  const ofA = random.chance(0.3) ? batch.map(() => 1) : batch;
  const activation: Activation = random.pick(ACTIVATIONS);
  const hasBias = random.chance(0.7);
  return {
    shapes: [[...ofA, ...(transposeA ? [K, M] : [M, K])], [...batch, ...(transposeB ? [N, K] : [K, N])], [N], [N]],
    run: (a, b, bias, slopes) =>
      tf.fused.matMul({
        a: a!,
        b: b!,
        transposeA,
        transposeB,
        activation,
        ...(hasBias && { bias }),
        ...(activation === "prelu" && { preluActivationWeights: slopes }),
        leakyreluAlpha: 0.3,
      }),
  };
}

function pooling(random: Random, type: "max" | "avg"): Case {
  const { size, strides, pad, rounding, map } = windows(random);
  const pool = type === "max" ? tf.maxPool : tf.avgPool;
  return { shapes: [map], run: (x) => pool(x as tf.Tensor4D, size, strides, pad, rounding) };
}

/** With the gradient, whose values are negative too: tfjs' cpu backend has that of all paddings but rounds as the default. */
function maximum(random: Random): Case {
  const { size, strides, pad, map } = windows(random);
  const f = (x: tf.Tensor) => tf.maxPool(x as tf.Tensor4D, size, strides, pad);
  return { shapes: [map], run: (x) => [f(x!), tf.grad(f)(tf.sub(x!, 0.5))] };
}

function maximumInSpace(random: Random): Case {
  // tfjs' cpu backend mixes up height and width on the way back.
  const side = between(random, 1, 3);
  const size: [number, number, number] = [between(random, 1, 3), side, side];
  const strides = [1, 2, 3].map(() => between(random, 1, 3)) as [number, number, number];
  const pad = random.pick(["same", "valid"] as const);
  const f = (x: tf.Tensor) => tf.maxPool3d(x as tf.Tensor5D, size, strides, pad);
  const shape = [2, between(random, 3, 5), between(random, 3, 5), between(random, 3, 5), between(random, 1, 5)];
  return { shapes: [shape], run: (x) => [f(x!), tf.grad(f)(x!)] };
}

/** Slopes that repeat along any axis. */
function slopes(random: Random): Case {
  const shape = Array.from({ length: between(random, 2, 4) }, () => between(random, 1, 5));
  const alpha = shape.map((side) => (random.chance(0.5) ? 1 : side)).slice(1);
  return { shapes: [shape, alpha], run: (x, alpha) => [tf.prelu(x!, alpha!), ...tf.grads(tf.prelu)([x!, alpha!])] };
}

function reductionOfNothing(random: Random): Case {
  const shape = Array.from({ length: between(random, 1, 4) }, () => between(random, 1, 3));
  shape[random.integer(shape.length)] = 0;
  const axes = random.pick([undefined, ...shape.map((_, axis) => axis)]);
  const keep = random.chance(0.5);
  const dtype = random.pick(["int32", undefined] as const);
  return {
    shapes: [shape],
    dtype,
    run: (x) => [
      ...[tf.sum, tf.mean, tf.prod, tf.max, tf.min].map((reduce) => reduce(x!, axes, keep)),
      ...[tf.all, tf.any].map((reduce) => reduce(tf.cast(x!, "bool"), axes, keep)),
    ],
  };
}

const wholeNumbers = (random: Random): Case => {
  const [low, high] = [between(random, -20, 0), between(random, 0, 200) + 0.5];
  return {
    shapes: [[between(random, 1, 9), between(random, 1, 9)]],
    dtype: "int32",
    run: (x) => [tf.clipByValue(x!, low, high), tf.clipByValue(x!, -1e12, 1e12)],
  };
};

/** 256 and 512 have a lowest byte of 0, and a half has no whole part. */
const truths = (random: Random): Case => ({
  shapes: [[between(random, 1, 9), between(random, 1, 9)]],
  run: (x) =>
    [x!, tf.mul(tf.round(x!), 256), tf.cast(tf.mul(x!, 3), "int32"), tf.cast(tf.mul(tf.round(x!), 512), "int32")].map(
      (x) => tf.cast(tf.cast(x, "bool"), "float32"),
    ),
});

describe("where tfjs' own wasm kernels give wrong numbers, registerTrainingKernels() gives those of cpu", () => {
  let kernels: TrainingKernels;
  let put: { wasm: { _malloc(bytes: number): number; HEAPU8: Uint8Array } };
  let malloc: (bytes: number) => number;
  beforeAll(async () => {
    await tf.setBackend("wasm");
    kernels = await registerTrainingKernels();
    put = tf.backend() as never;
    malloc = put.wasm._malloc;
    // What a kernel leaves unwritten must not be 0 by chance.
    put.wasm._malloc = (bytes) => {
      const address = malloc(bytes) >>> 0;
      new Uint8Array(put.wasm.HEAPU8.buffer, address, bytes).fill(0x7f);
      return address;
    };
  });
  afterAll(async () => {
    put.wasm._malloc = malloc;
    await tf.setBackend("wasm");
    await kernels.undo();
  });

  it.each<[string, (random: Random) => Case]>([
    ["fused.conv2d", (random) => fusedConvolution(random, false)],
    ["fused.depthwiseConv2d", (random) => fusedConvolution(random, true)],
    ["fused.matMul", fusedProduct],
    ["maxPool", (random) => pooling(random, "max")],
    ["avgPool", (random) => pooling(random, "avg")],
    ["maxPool and its gradient", maximum],
    ["maxPool3d and its gradient", maximumInSpace],
    ["prelu and its gradients", slopes],
    ["reductions of nothing", reductionOfNothing],
    ["clipByValue of whole numbers", wholeNumbers],
    ["cast to bool", truths],
  ])("%s", async (name, make) => {
    const random = createRandom(name);
    for (let i = 0; i < CASES; i++) {
      const { shapes, run, dtype } = make(random);
      const compute = () => [run(...shapes.map((shape, k) => draw(shape, 10 * i + k + 1, dtype)))].flat();
      await expectAsOnCpu(`${name} ${i}, ${JSON.stringify(shapes)}`, compute);
      await tf.setBackend("wasm");
      if (i < 4) await expectNoTensorLeak(() => tf.dispose(tf.tidy(compute)));
    }
  });

  // tfjs' cpu backend takes the default rounding on the way back.
  it.each([1, 0, 2])(
    "gradients of what was rounded up are those of the padded input, with padding by %s",
    async (pad) => {
      await tf.setBackend("wasm");
      tf.tidy(() => {
        const x = tf.randomUniform([2, 6, 6, 3], -1, 1, "float32", 1);
        const more = (x: tf.Tensor, value = 0) =>
          tf.pad(
            x,
            [
              [0, 0],
              [pad, pad + 2],
              [pad, pad + 2],
              [0, 0],
            ],
            value,
          ) as tf.Tensor4D;
        const places = Math.ceil((6 + 2 * pad - 3) / 2) + 1;
        const first = (y: tf.Tensor) => tf.slice(y, [0, 0, 0, 0], [2, places, places, -1]);
        const filter = tf.randomUniform([3, 3, 3, 5], -1, 1, "float32", 2);
        const single = tf.randomUniform([3, 3, 3, 1], -1, 1, "float32", 3);
        const count = first(tf.avgPool(more(tf.ones([2, 6, 6, 3])), 3, 2, "valid"));
        const pairs: [string, (x: tf.Tensor) => tf.Tensor, (x: tf.Tensor) => tf.Tensor][] = [
          [
            "conv2d",
            (x) => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 2, pad, "NHWC", 1, "ceil"),
            (x) => first(tf.conv2d(more(x), filter as tf.Tensor4D, 2, "valid")),
          ],
          [
            "depthwiseConv2d",
            (x) => tf.depthwiseConv2d(x as tf.Tensor4D, single as tf.Tensor4D, 2, pad, "NHWC", 1, "ceil"),
            (x) => first(tf.depthwiseConv2d(more(x), single as tf.Tensor4D, 2, "valid")),
          ],
          [
            "maxPool",
            (x) => tf.maxPool(x as tf.Tensor4D, 3, 2, pad, "ceil"),
            (x) => first(tf.maxPool(more(x, -1e9), 3, 2, "valid")),
          ],
          [
            "avgPool",
            (x) => tf.avgPool(x as tf.Tensor4D, 3, 2, pad, "ceil"),
            (x) => tf.div(first(tf.avgPool(more(x), 3, 2, "valid")), count),
          ],
        ];
        for (const [name, rounded, padded] of pairs) {
          const [y, expected] = [rounded(x), padded(x)];
          expect([name, ...y.shape]).toEqual([name, ...expected.shape]);
          const dy = tf.randomUniform(y.shape, -1, 1, "float32", 4);
          const off = tf.max(tf.abs(tf.sub(tf.grad(rounded)(x, dy), tf.grad(padded)(x, dy)))).dataSync()[0]!;
          expect([name, off < 1e-5]).toEqual([name, true]);
        }
      });
    },
  );

  // tfjs' cpu backend leaves out half pixels on the way back, and never ends from one pixel with aligned corners.
  it.each([
    [false, false],
    [true, false],
    [false, true],
  ])(
    "the gradient of resizeNearestNeighbor gives each pixel what came of it (alignCorners %s, halfPixelCenters %s)",
    async (alignCorners, halfPixelCenters) => {
      await tf.setBackend("wasm");
      const random = createRandom(`nearest ${alignCorners} ${halfPixelCenters}`);
      const sizes = Array.from({ length: CASES }, () => [1, 2, 3, 4].map(() => between(random, 1, 19)));
      for (const [height, width, ...to] of [[2, 2, 3, 7], [1, 1, 3, 4], [23, 9, 5, 31], ...sizes] as number[][]) {
        const run = () =>
          tf.tidy(() => {
            const resize = (x: tf.Tensor) =>
              tf.image.resizeNearestNeighbor(x as tf.Tensor4D, to as [number, number], alignCorners, halfPixelCenters);
            const pixels = height! * width!;
            const dy = draw([2, ...to, 3], 1, undefined);
            const actual = tf.grad(resize)(draw([2, height!, width!, 3], 2, undefined), dy);
            // Which pixel each result is: by the numbers of the pixels.
            const ids = resize(tf.reshape(tf.range(0, pixels), [1, height!, width!, 1]));
            const oneHot = tf.oneHot(tf.cast(tf.reshape(ids, [-1]), "int32"), pixels + 1);
            const chosen = tf.slice(oneHot, [0, 0], [-1, pixels]);
            const [first, second] = tf.unstack(tf.reshape(dy, [2, -1, 3]));
            const expected = tf.stack([first!, second!].map((dy) => tf.matMul(chosen, dy, true)));
            expect(actual.shape).toEqual([2, height, width, 3]);
            return tf.max(tf.abs(tf.sub(tf.reshape(actual, [2, pixels, 3]), expected))).dataSync()[0]!;
          });
        expect([height, width, ...to, run() < 1e-4]).toEqual([height, width, ...to, true]);
        if (height === 2) await expectNoTensorLeak(run);
      }
    },
  );

  it("gradients of conv3d, and dilation2d without a positive value, are refused", async () => {
    await tf.setBackend("wasm");
    tf.tidy(() => {
      const [x, filter] = [tf.ones([1, 3, 3, 3, 2]), tf.ones([2, 2, 2, 2, 1])];
      const convolve = (x: tf.Tensor, filter: tf.Tensor) =>
        tf.conv3d(x as tf.Tensor5D, filter as tf.Tensor5D, 1, "valid");
      expect(() => tf.grads(convolve)([x, filter])).toThrow(
        "wasm: tfjs computes wrong gradients of convolutions in three dimensions, and this package has no kernel for them. Use another backend, e.g. cpu.",
      );
    });
    await expectNoTensorLeak(() =>
      tf.tidy(() => {
        const dilate = (x: tf.Tensor) => tf.dilation2d(x as tf.Tensor4D, tf.zeros([2, 2, 1]), 1, "valid");
        expect([...dilate(tf.ones([1, 3, 3, 1])).dataSync()]).toEqual([1, 1, 1, 1]);
        expect(() => dilate(tf.fill([1, 3, 3, 1], -1))).toThrow("wasm: tfjs computes wrong dilations");
      }),
    );
  });

  it("depthwiseConv2d of maps with their channels in front is refused", async () => {
    await tf.setBackend("wasm");
    tf.tidy(() => {
      const [x, filter] = [tf.ones([1, 3, 5, 5]), tf.ones([3, 3, 3, 1])] as [tf.Tensor4D, tf.Tensor4D];
      expect(() => tf.depthwiseConv2d(x, filter, 1, "same", "NCHW")).toThrow(
        "depthwiseConv2d: dataFormat must be NHWC on the wasm backend; got NCHW.",
      );
    });
  });
});
