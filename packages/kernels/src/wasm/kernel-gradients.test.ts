import { setFlagsFromString } from "node:v8";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { createRandom } from "@acr/core";
import { expectNoTensorLeak } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import { fusedConv2dBatchNormActivation } from "../fused-conv-2d-batch-norm-activation.js";
import { registerTrainingKernels, type TrainingKernels } from "../register-training-kernels.js";
import { expectAsOnCpu } from "./__fixtures__/expect-as-on-cpu.js";

const CASES = 9;
type Function = (...inputs: tf.Tensor[]) => tf.Tensor;
type Shape4 = [number, number, number, number];

const draw = (shape: number[], seed: number) => tf.randomUniform(shape, -1, 1, "float32", seed);

/** The value of a function and its gradients in all inputs, for an output gradient drawn at random. */
function valueAndGradients(f: Function, shapes: number[][], seed: number): tf.Tensor[] {
  const inputs = shapes.map((shape, i) => draw(shape, 10 * seed + i));
  const y = f(...inputs);
  return [y, ...tf.grads(f as never)(inputs, draw(y.shape, 10 * seed + 9))];
}

describe.each(["usual", "wide", "scalar"])("gradients on wasm under registerTrainingKernels(), %s build", (build) => {
  let kernels: TrainingKernels;
  beforeAll(async () => {
    const isWide = build === "wide";
    // Node 20 has relaxed SIMD behind a flag; the wide build is relaxed.
    if (isWide && process.versions.node.startsWith("20.")) setFlagsFromString("--experimental-wasm-relaxed-simd");
    await tf.setBackend("wasm");
    const validate = build === "scalar" ? jest.spyOn(WebAssembly, "validate").mockReturnValue(false) : undefined;
    kernels = await registerTrainingKernels({ wideRegisters: isWide ? "always" : false });
    validate?.mockRestore();
    if (isWide) expect(kernels.variant).toBe("simd-relaxed-wide");
    expect(kernels.variant === "scalar").toBe(build === "scalar");
  });
  afterAll(async () => {
    await tf.setBackend("wasm");
    await kernels.undo();
  });

  it("of max pooling go to the maximum of each window, whatever its sign", async () => {
    const random = createRandom("max pooling");
    for (let i = 0; i < CASES; i++) {
      const shape: Shape4 = [
        1 + random.integer(2),
        3 + random.integer(5),
        3 + random.integer(5),
        1 + random.integer(5),
      ];
      const [size, step] = [1 + random.integer(3), 1 + random.integer(3)];
      const pad = random.pick(["same", "valid"] as const);
      const pool = (x: tf.Tensor) => tf.maxPool(x as tf.Tensor4D, size, step, pad);
      await expectAsOnCpu(`${shape} ${size} ${step} ${pad}`, () => valueAndGradients(pool, [shape], i));
    }
  });

  // tfjs' own backends have no gradient of a dilated convolution; zeros between the taps of the filter make the same one
  // without dilation.
  it.each([false, true])("of dilated convolutions are those of spread filters (depthwise: %s)", async (depthwise) => {
    const random = createRandom("dilated kernels");
    for (let i = 0; i < CASES; i++) {
      const [rows, columns] = [1 + (i % 3), 2 + (i % 2)];
      const side = 2 + (i % 2);
      const inputShape: Shape4 = [1 + (i % 2), 9 + random.integer(3), 9 + random.integer(3), 1 + (i % 9)];
      const filterShape: Shape4 = [side, side, inputShape[3], 1 + ((2 * i) % (depthwise ? 3 : 9))];
      const pad = random.pick(["same", "valid"] as const);
      const wide: Shape4 = [(side - 1) * rows + 1, (side - 1) * columns + 1, ...filterShape.slice(2)] as never;
      const spread = (filter: tf.Tensor) => {
        const [inputs, outputs] = filterShape.slice(2) as [number, number];
        const gaps = [0, rows - 1, 0, columns - 1, 0].map((gap) => [0, gap] as [number, number]);
        const full = tf.pad(tf.reshape(filter, [side, 1, side, 1, inputs * outputs]), gaps);
        return tf.slice(tf.reshape(full, [side * rows, side * columns, inputs, outputs]), [0, 0, 0, 0], wide);
      };
      const convolve = depthwise ? tf.depthwiseConv2d : tf.conv2d;
      const run = (dilations: [number, number], filterOf: (filter: tf.Tensor) => tf.Tensor) => () =>
        valueAndGradients(
          (x, filter) => convolve(x as tf.Tensor4D, filterOf(filter) as tf.Tensor4D, 1, pad, "NHWC", dilations),
          [inputShape, filterShape],
          i,
        );
      await expectAsOnCpu(
        JSON.stringify({ inputShape, filterShape, pad, rows, columns }),
        run([rows, columns], (filter) => filter),
        run([1, 1], spread),
      );
    }
  });

  it("of depthwise convolutions with several outputs a channel agree with cpu", async () => {
    for (let i = 0; i < CASES; i++) {
      const stride = 1 + (i % 2);
      const shapes = [
        [1 + (i % 3), 7 + (i % 4), 8, 1 + (i % 5)],
        [1 + (i % 3), 1 + ((i + 1) % 3), 1 + (i % 5), 2 + (i % 3)],
      ];
      const convolve: Function = (x, filter) =>
        tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, i % 4 === 3 ? "valid" : "same");
      await expectAsOnCpu(JSON.stringify({ shapes, stride }), () => valueAndGradients(convolve, shapes, i));
      await tf.setBackend("wasm");
      await expectNoTensorLeak(() => tf.dispose(tf.tidy(() => valueAndGradients(convolve, shapes, i))));
    }
  });

  it("of biased convolutions agree with cpu where tfjs' own kernel leaves zeros or writes behind the output", async () => {
    const cases: [
      kernel: [number, number],
      strides: [number, number],
      pad: "same" | number,
      activation: "relu6" | "linear",
    ][] = [
      [[1, 2], [2, 2], "same", "linear"],
      [[3, 1], [1, 2], "same", "relu6"],
      [[2, 2], [3, 3], "same", "linear"],
      [[2, 2], [1, 2], 1, "linear"],
      [[3, 2], [1, 1], 1, "relu6"],
    ];
    for (const [i, [kernel, strides, pad, activation]] of cases.entries()) {
      const convolve: Function = (x, filter, bias) =>
        tf.fused.conv2d({ x: x as tf.Tensor4D, filter: filter as tf.Tensor4D, bias, strides, pad, activation });
      const shapes = [[2, 6, 6, 3], [...kernel, 3, 5], [5]];
      const inputs = () => shapes.map((shape, k) => draw(shape, 10 * i + k)) as [tf.Tensor, tf.Tensor, tf.Tensor];
      await expectAsOnCpu(JSON.stringify({ kernel, strides, pad }), () => [convolve(...inputs())]);
      if (strides[0] === strides[1]) await expectAsOnCpu("gradients", () => valueAndGradients(convolve, shapes, i));
    }
  });

  it("of depthwise convolutions with one tap agree with cpu, with a number of pixels that four divides and without", async () => {
    for (const [i, inputShape] of (
      [
        [2, 6, 5, 3],
        [1, 3, 3, 3],
        [1, 2, 2, 1],
        [3, 4, 4, 10],
      ] as Shape4[]
    ).entries()) {
      const scale: Function = (x, filter) => tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, "same");
      const shapes = [inputShape, [1, 1, inputShape[3], 1]];
      await expectAsOnCpu(JSON.stringify(shapes), () => valueAndGradients(scale, shapes, i));
    }
  });

  it("of sums with a bias on either side agree with cpu, whatever its rank", async () => {
    const cases: [number[], number[]][] = [
      [[2, 4, 5, 3], [3]],
      [[3], [2, 4, 5, 3]],
      [
        [2, 3, 8],
        [1, 1, 8],
      ],
      [
        [5, 3],
        [1, 3],
      ],
      [[1, 5], [5]],
      [[4, 1], [1]],
      [[3], [2, 1, 3]],
      [[], [2, 2]],
      [
        [1, 1, 1, 4],
        [2, 4],
      ],
      [[0, 4], [4]],
    ];
    for (const [i, shapes] of cases.entries())
      await expectAsOnCpu(JSON.stringify(shapes), () => valueAndGradients((a, b) => tf.add(a!, b!), shapes, i));
  });

  it("of products of matrices agree with cpu: odd sizes, transposed sides, several matrices", async () => {
    const random = createRandom("products");
    for (let i = 0; i < 3 * CASES; i++) {
      // Every ninth is large enough for threads.
      const [M, K, N] = i % 9 === 8 ? [8, 1280, 130] : [1, 2, 3].map(() => 1 + random.integer(70));
      const [left, right] = [i % 3 === 1, i % 3 === 2];
      const batch = [[], [1], [2]][Math.floor(i / 3) % 3]!;
      const shapes = [
        [...batch, ...(left ? [K!, M!] : [M!, K!])],
        [...batch, ...(right ? [N!, K!] : [K!, N!])],
      ];
      const product: Function = (a, b) => tf.matMul(a, b, left, right);
      await expectAsOnCpu(JSON.stringify({ shapes, left, right }), () => valueAndGradients(product, shapes, i));
    }
  });

  it("of fused products and pointwise convolutions with a bias agree with cpu, also with new weights", async () => {
    const random = createRandom("biased");
    const activations = ["linear", "relu", "relu6", "sigmoid"] as const;
    for (let i = 0; i < 2 * CASES; i++) {
      const [M, K, N] = i % 9 === 8 ? [9, 1100, 120] : [1, 2, 3].map(() => 1 + random.integer(60));
      const activation = activations[i % 4]!;
      const dense: Function = (a, b, bias) =>
        tf.fused.matMul({ a: tf.mul(a, 3) as tf.Tensor2D, b: b as tf.Tensor2D, bias, activation });
      const convolution: Function = (x, filter, bias) =>
        tf.fused.conv2d({
          x: x as tf.Tensor4D,
          filter: filter as tf.Tensor4D,
          strides: 1,
          pad: "same",
          bias,
          activation,
        });
      const shapes = [[M!, K!], [K!, N!], [N!]];
      await expectAsOnCpu(JSON.stringify({ shapes, activation }), () => valueAndGradients(dense, shapes, i));
      // cpu takes seconds for the large one.
      const depth = Math.min(K!, 60);
      const maps = [[M!, 1, 2, depth], [1, 1, depth, N!], [N!]];
      await expectAsOnCpu(JSON.stringify({ maps, activation }), () => valueAndGradients(convolution, maps, i));
    }
    const weights = tf.variable(draw([5, 3], 1));
    const x = draw([2, 5], 2) as tf.Tensor2D;
    const bias = tf.variable(draw([3], 3));
    const read = () => tf.tidy(() => tf.fused.matMul({ a: x, b: weights as tf.Tensor2D, bias }).arraySync());
    const expected = () => tf.tidy(() => tf.add(tf.matMul(x, weights as tf.Tensor2D), bias).arraySync());
    await tf.setBackend("wasm");
    await expectNoTensorLeak(() => {
      for (let step = 0; step < 3; step++) {
        const [now, want] = [read(), expected()] as number[][][];
        now!.flat().forEach((value, j) => expect(value).toBeCloseTo(want!.flat()[j]!, 5));
        tf.tidy(() => (step === 0 ? weights.assign(tf.mul(weights, 2)) : bias.assign(tf.add(bias, 1))));
      }
    });
    tf.dispose([weights, x, bias]);
  });

  it.each(["linear", "relu", "relu6", "elu", "sigmoid", "leakyrelu", "prelu"] as const)(
    "of fused convolutions whose filter is shorter than its step are right (%s)",
    async (activation) => {
      for (const [convolve, outputs] of [
        [tf.fused.conv2d, 3],
        [tf.fused.depthwiseConv2d, 1],
      ] as const) {
        const convolution: Function = (x, filter, bias) =>
          convolve({
            x: x as tf.Tensor4D,
            filter: filter as tf.Tensor4D,
            strides: 3,
            pad: "same",
            bias,
            activation,
            leakyreluAlpha: 0.1,
            preluActivationWeights: activation === "prelu" ? tf.fill([3], 0.3) : undefined,
          });
        const shapes = [[2, 9, 12, 3], [2, 2, 3, outputs], [3]];
        // What they leave unwritten would hold this.
        await tf.setBackend("wasm");
        tf.dispose(Array.from({ length: 8 }, () => tf.fill([2, 3, 4, 3], 7)));
        await expectAsOnCpu("value", () => [convolution(...shapes.map((shape, i) => draw(shape, i)))]);
      }
    },
  );

  it("of pooling windows that are larger than the map are refused", async () => {
    await tf.setBackend("wasm");
    const x = draw([1, 3, 9, 4], 1) as tf.Tensor4D;
    for (const pool of [tf.maxPool, tf.avgPool]) {
      const pooled = () => pool(x, 5, 1, "valid");
      expect(pooled).toThrow("the window of 5 × 5 pixels does not fit into a map of 3 × 9. Use larger images");
      expect(() => tf.grad((x: tf.Tensor) => pool(x as tf.Tensor4D, 5, 1, "valid"))(x)).toThrow("does not fit");
    }
  });

  it("of filters that are larger than the map are refused", async () => {
    await tf.setBackend("wasm");
    const [x, filter, depthwise] = [
      draw([1, 2, 9, 4], 1),
      draw([3, 3, 4, 4], 2),
      draw([3, 3, 4, 1], 3),
    ] as tf.Tensor4D[];
    const expected = "the filter of 3 × 3 pixels does not fit into a map of 2 × 9. Use larger images";
    const conv = { x: x!, filter: filter!, strides: 1, pad: "valid", bias: tf.zeros([4]) } as const;
    const weights = { filter: filter!, gamma: tf.ones([4]), beta: tf.zeros([4]) };
    for (const run of [
      () => tf.conv2d(x!, filter!, 1, "valid"),
      () => tf.fused.conv2d(conv),
      () => tf.depthwiseConv2d(x!, depthwise!, 1, "valid"),
      () => tf.fused.depthwiseConv2d({ ...conv, filter: depthwise! }),
      () => fusedConv2dBatchNormActivation(x!, weights, { pad: "valid" }).y,
    ])
      expect(() => tf.tidy(run as never)).toThrow(expected);
  });

  it("of products without depth are zero, and a weight that is read in another shape is packed for that shape", async () => {
    const product = (a: tf.Tensor, b: tf.Tensor, options = {}) =>
      tf.fused.matMul({ a: a as tf.Tensor2D, b: b as tf.Tensor2D, ...options });
    await expectAsOnCpu("empty sides", () => [
      tf.matMul(tf.ones([2, 0]), tf.ones([0, 3])),
      tf.matMul(tf.ones([0, 2]), tf.ones([0, 3]), true),
      tf.matMul(tf.ones([2, 0]), tf.ones([3, 0]), false, true),
      tf.matMul(tf.ones([0, 2]), tf.ones([2, 3])),
      tf.matMul(tf.ones([2, 2]), tf.ones([2, 0])),
      tf.matMul(tf.ones([1, 2, 3]), tf.ones([4, 3, 2])),
      tf.matMul(tf.ones([4, 2, 3]), tf.ones([1, 3, 2])),
    ]);
    await tf.setBackend("wasm");
    await expectNoTensorLeak(() =>
      tf.tidy(() => {
        const bias = tf.tensor1d([1, 2, 3]);
        expect(product(tf.ones([2, 0]), tf.ones([0, 3]), { bias }).arraySync()).toEqual([
          [1, 2, 3],
          [1, 2, 3],
        ]);
        const weights = tf.reshape(tf.range(0, 24), [4, 6]);
        const other = tf.reshape(weights, [6, 4]);
        for (let i = 0; i < 2; i++) {
          expect(product(tf.ones([1, 4]), weights).arraySync()).toEqual([[36, 40, 44, 48, 52, 56]]);
          expect(product(tf.ones([1, 6]), other).arraySync()).toEqual([[60, 66, 72, 78]]);
        }
      }),
    );
  });

  it("of a softmax over a map agree with cpu", async () => {
    const random = createRandom("softmax");
    for (let i = 0; i < CASES; i++) {
      const [batch, height, width, maps] = [1 + (i % 4), 3 + random.integer(9), 3 + random.integer(9), 1 + (i % 7)];
      const softmax: Function = (x) => {
        const rows = tf.reshape(tf.transpose(x, [0, 3, 1, 2]), [batch, maps, height * width]);
        return i % 3 === 0 ? tf.logSoftmax(rows) : tf.softmax(tf.mul(rows, 4));
      };
      const shape = [batch, height, width, maps];
      await expectAsOnCpu(`softmax ${shape}`, () => valueAndGradients(softmax, [shape], i));
    }
  });

  it("of transposed convolutions agree with cpu", async () => {
    const random = createRandom("transposed");
    for (let i = 0; i < 2 * CASES; i++) {
      const stride = 1 + (i % 3);
      const side = random.pick([1, 2, 3, 4]);
      const pad = random.pick(["same", "valid"] as const);
      const [height, width] = [2 + random.integer(6), 2 + random.integer(6)];
      // With stride 2 and more, several sizes lead to one: take any of them.
      const grown = (n: number) =>
        pad === "same" ? n * stride - random.integer(stride) : (n - 1) * stride + side + random.integer(stride);
      const [inputs, outputs] = [1 + random.integer(10), 1 + random.integer(10)];
      const shape: Shape4 = [1 + random.integer(3), grown(height), grown(width), outputs];
      const f: Function = (x, filter) =>
        tf.conv2dTranspose(x as tf.Tensor4D, filter as tf.Tensor4D, shape, stride, pad);
      const shapes = [
        [shape[0], height, width, inputs],
        [side, side, outputs, inputs],
      ];
      await expectAsOnCpu(JSON.stringify({ shapes, shape, stride, pad }), () => valueAndGradients(f, shapes, i));
    }
  });

  it.each<[string, number[][], Function]>([
    ["gather", [[6, 5, 3]], (x) => tf.gather(x, tf.tensor1d([5, 0, 0, 2, 5, 5], "int32"))],
    ["gather of an inner axis", [[2, 6, 5]], (x) => tf.gather(x, tf.tensor1d([1, 4, 4], "int32"), 1)],
    ["gather with a table", [[7, 4]], (x) => tf.gather(x, tf.tensor2d([6, 1, 1, 3], [2, 2], "int32"))],
    ["unsortedSegmentSum", [[5, 4]], (x) => tf.unsortedSegmentSum(x, tf.tensor1d([2, 0, -1, 2, 1], "int32"), 4)],
    ["resizeBilinear, larger", [[2, 5, 5, 3]], (x) => tf.image.resizeBilinear(x as tf.Tensor4D, [11, 8])],
    ["resizeBilinear, smaller", [[3, 9, 9, 5]], (x) => tf.image.resizeBilinear(x as tf.Tensor4D, [4, 6], true)],
    [
      "a loss that leaves out unknown targets",
      [[2, 3]],
      (x) => {
        const target = tf.tensor2d([1, Number.NaN, -0.5, Number.NaN, 0, 2], [2, 3]);
        const isKnown = tf.logicalNot(tf.isNaN(target));
        return tf.sum(tf.where(isKnown, tf.square(tf.sub(x, tf.where(isKnown, target, 0))), tf.zerosLike(x)));
      },
    ],
    [
      "a value that is taken where it is a number",
      [[3, 4]],
      (x) => tf.where(tf.isNaN(tf.div(x, x)), tf.zerosLike(x), tf.mul(x, x)),
    ],
  ])("of %s agree with cpu", async (what, shapes, f) => {
    await expectAsOnCpu(what, () => valueAndGradients(f, shapes, 1));
  });

  it.each<[string, number[][], Function]>([
    [
      "ij,jk->ik",
      [
        [4, 5],
        [5, 3],
      ],
      (a, b) => tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D),
    ],
    [
      "bij,bkj->bik",
      [
        [2, 4, 5],
        [2, 3, 5],
      ],
      (a, b) => tf.matMul(a, b, false, true),
    ],
    [
      "bij,jik->bk",
      [
        [4, 5, 6],
        [6, 5, 3],
      ],
      (a, b) => tf.sum(tf.mul(tf.expandDims(a, 3), tf.expandDims(tf.transpose(b, [1, 0, 2]), 0)), [1, 2]),
    ],
    ["bij->jb", [[4, 5, 6]], (a) => tf.transpose(tf.sum(a, 1))],
    ["ij,k->k", [[4, 5], [3]], (a, b) => tf.mul(tf.sum(a), b)],
    ["i,i->", [[7], [7]], (a, b) => tf.sum(tf.mul(a, b))],
  ])("of einsum(%s) are those of its composition", async (equation, shapes, composition) => {
    const einsum: Function = (...tensors) => tf.einsum(equation, ...tensors);
    const [run, oracle] = [einsum, composition].map((f) => () => valueAndGradients(f, shapes, 2));
    await expectAsOnCpu(equation, run!, oracle);
    await tf.setBackend("wasm");
    await expectNoTensorLeak(() => {
      tf.dispose(tf.tidy(run!));
    });
  });
});
