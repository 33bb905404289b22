import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { createRandom, type Random } from "@acr/core";
import { expectNoTensorLeak, tolerance } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { optimizeForTraining } from "./optimize-for-training.js";
import { registerTrainingKernels, type TrainingKernels } from "./register-training-kernels.js";

interface ConvolutionCase {
  batch: number;
  height: number;
  width: number;
  inChannels: number;
  outChannels: number;
  filter: [number, number];
  strides: [number, number];
  dilations: [number, number];
  pad: "same" | "valid";
}

/** Seeded shapes: all channel remainders of 4 and 8, odd sizes, strides, dilation. */
function randomCase(random: Random): ConvolutionCase {
  const filter: [number, number] = random.pick([
    [1, 1],
    [3, 3],
    [5, 5],
    [3, 1],
    [2, 2],
  ]);
  const dilated = random.chance(0.25) && filter[0] > 1;
  return {
    batch: 1 + random.integer(3),
    height: 9 + random.integer(10),
    width: 9 + random.integer(10),
    inChannels: 1 + random.integer(20),
    outChannels: 1 + random.integer(20),
    filter,
    // tfjs forbids strides together with dilation.
    strides: dilated
      ? [1, 1]
      : random.pick([
          [1, 1],
          [2, 2],
          [2, 1],
        ]),
    dilations: dilated ? [2, 2] : [1, 1],
    pad: random.pick(["same", "valid"]),
  };
}

const CASES = 40;
const LAYOUT = "NHWC";

/** Values and gradients of `run` on a backend, as plain arrays. */
async function onBackend(name: string, run: () => tf.Tensor[]): Promise<Float32Array[]> {
  await tf.setBackend(name);
  const results = tf.tidy(run);
  const values = results.map((tensor) => Float32Array.from(tensor.dataSync()));
  tf.dispose(results);
  return values;
}

function expectClose(actual: Float32Array[], expected: Float32Array[], what: string): void {
  actual.forEach((values, i) => {
    const reference = expected[i]!;
    const largest = reference.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    let worst = 0;
    for (let k = 0; k < values.length; k++) worst = Math.max(worst, Math.abs(values[k]! - reference[k]!));
    if (!(worst <= tolerance.float32 * Math.max(largest, 1e-6))) {
      throw new Error(`${what}, result ${i}: differs by ${worst} where the largest value is ${largest}`);
    }
  });
}

describe("registerTrainingKernels(…)", () => {
  let kernels: TrainingKernels;

  beforeAll(async () => {
    await tf.setBackend("wasm");
    kernels = await registerTrainingKernels();
  });

  afterAll(async () => {
    await tf.setBackend("wasm");
    await kernels.undo();
  });

  it("gives conv2d and its gradients the values of the cpu backend over a grid of shapes", async () => {
    const random = createRandom("conv2d");
    for (let i = 0; i < CASES; i++) {
      const c = randomCase(random);
      const run = () => {
        const x = tf.randomUniform<tf.Rank.R4>([c.batch, c.height, c.width, c.inChannels], -1, 1, "float32", i);
        const w = tf.randomUniform<tf.Rank.R4>([...c.filter, c.inChannels, c.outChannels], -1, 1, "float32", i + 1);
        const f = (x: tf.Tensor, w: tf.Tensor) =>
          tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, c.strides, c.pad, LAYOUT, c.dilations);
        const y = f(x, w);
        const dy = tf.randomUniform(y.shape, -1, 1, "float32", i + 2);
        // tfjs has no gradient of a dilated convolution.
        if (c.dilations[0] > 1) return [y];
        return [y, ...tf.grads(f)([x, w], dy)];
      };
      expectClose(await onBackend("wasm", run), await onBackend("cpu", run), JSON.stringify(c));
    }
  });

  it("gives depthwiseConv2d and its gradients the values of the cpu backend over a grid of shapes", async () => {
    const random = createRandom("depthwise");
    for (let i = 0; i < CASES; i++) {
      const drawn = randomCase(random);
      // tfjs' cpu backend knows only equal strides here.
      const c = { ...drawn, strides: [drawn.strides[0], drawn.strides[0]] as [number, number] };
      const run = () => {
        const x = tf.randomUniform<tf.Rank.R4>([c.batch, c.height, c.width, c.inChannels], -1, 1, "float32", i);
        const w = tf.randomUniform<tf.Rank.R4>([...c.filter, c.inChannels, 1], -1, 1, "float32", i + 1);
        const f = (x: tf.Tensor, w: tf.Tensor) =>
          tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, c.strides, c.pad, LAYOUT, c.dilations);
        const y = f(x, w);
        const dy = tf.randomUniform(y.shape, -1, 1, "float32", i + 2);
        if (c.dilations[0] > 1) return [y];
        return [y, ...tf.grads(f)([x, w], dy)];
      };
      expectClose(await onBackend("wasm", run), await onBackend("cpu", run), JSON.stringify(c));
    }
  });

  it("adds, copies and casts as before", async () => {
    const run = () => {
      const a = tf.randomUniform([3, 5, 7], -1, 1, "float32", 1);
      const b = tf.randomUniform([3, 5, 7], -1, 1, "float32", 2);
      const row = tf.randomUniform([7], -1, 1, "float32", 3);
      return [
        tf.add(a, b),
        tf.add(a, row),
        tf.cast(a, "float32"),
        tf.cast(tf.cast(a, "int32"), "float32"),
        tf.clone(a),
      ];
    };
    expectClose(await onBackend("wasm", run), await onBackend("cpu", run), "add, cast, clone");
  });

  it("slices, finds NaN, sums segments, resizes back and contracts as the cpu backend does", async () => {
    const run = () => {
      const x = tf.randomUniform<tf.Rank.R4>([2, 5, 7, 3], -1, 1, "float32", 4);
      const resizeGradient = (alignCorners: boolean) =>
        tf.grad((x) => tf.image.resizeBilinear(x as tf.Tensor4D, [9, 4], alignCorners))(
          // tfjs' cpu backend mixes up height and width here, so the picture is square.
          tf.slice(x, [0, 0, 0, 0], [2, 5, 5, 3]),
          tf.randomUniform([2, 9, 4, 3], -1, 1, "float32", 5),
        );
      const a = tf.randomUniform([4, 5, 6], -1, 1, "float32", 6);
      const b = tf.randomUniform([6, 5, 3], -1, 1, "float32", 7);
      return [
        tf.slice(x, [0, 1, 2, 0], [2, 3, 4, 3]),
        tf.slice(x, [1, 0, 0, 1], [1, 5, 7, 2]),
        tf.slice(tf.cast(tf.mul(x, 9), "int32"), [0, 4], [2, 1]),
        tf.slice(tf.greater(x, 0), [1, 1, 1, 1], [1, 3, 5, 1]),
        tf.grad((x) =>
          tf.pad(x as tf.Tensor4D, [
            [0, 0],
            [0, 1],
            [1, 2],
            [0, 0],
          ]),
        )(x, tf.randomUniform([2, 6, 10, 3], -1, 1, "float32", 8)),
        tf.isNaN(tf.tensor1d([1, Number.NaN, -0, Number.POSITIVE_INFINITY])),
        tf.unsortedSegmentSum(a, tf.tensor1d([2, 0, 2, 1], "int32"), 4),
        resizeGradient(false),
        resizeGradient(true),
        tf.einsum("bij,jik->bk", a, b),
        tf.einsum("bij->jb", a),
        tf.einsum("ij,jk->ki", tf.reshape(a, [20, 6]), tf.reshape(b, [6, 15])),
      ];
    };
    expectClose(await onBackend("wasm", run), await onBackend("cpu", run), "slice … einsum");
  });

  it("gives the gradient of resizeBilinear with half pixel centres by its adjoint", async () => {
    await tf.setBackend("wasm");
    // The gradient of a linear map is its transpose: <resize(x), y> = <x, resizeᵀ(y)>.
    const x = tf.randomUniform<tf.Rank.R4>([1, 5, 6, 2], -1, 1, "float32", 1);
    const y = tf.randomUniform<tf.Rank.R4>([1, 8, 3, 2], -1, 1, "float32", 2);
    const resize = (x: tf.Tensor) => tf.image.resizeBilinear(x as tf.Tensor4D, [8, 3], false, true);
    const forward = tf.sum(tf.mul(resize(x), y)).dataSync()[0]!;
    const backward = tf.sum(tf.mul(x, tf.grad(resize)(x, y))).dataSync()[0]!;
    expect(backward).toBeCloseTo(forward, 4);
  });

  it("returns the same registration when called twice, and leaks no tensor", async () => {
    await tf.setBackend("wasm");
    expect(await registerTrainingKernels()).toBe(kernels);
    await expectNoTensorLeak(() =>
      tf.tidy(() => {
        const x = tf.ones([1, 5, 5, 3]) as tf.Tensor4D;
        tf.grads((x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, "same"))([x, tf.ones([3, 3, 3, 4])]);
      }),
    );
  });

  it("refuses thread counts that make no sense", async () => {
    await expect(registerTrainingKernels({ threads: 0 })).rejects.toThrow(
      "threads must be an integer from 1 to 64; got 0",
    );
    await expect(registerTrainingKernels({ threads: 1000 })).rejects.toThrow("got 1000");
    await expect(registerTrainingKernels({ threads: "2" as never })).rejects.toThrow('got "2".');
    await expect(registerTrainingKernels({ wideRegisters: "yes" as never })).rejects.toThrow(
      'wideRegisters must be true, false or "always"; got "yes".',
    );
    await expect(registerTrainingKernels({ relaxedSimd: 1 as never })).rejects.toThrow(
      "relaxedSimd must be true or false; got 1.",
    );
  });
});

it("registerTrainingKernels().undo() restores the kernels of tfjs", async () => {
  await tf.setBackend("wasm");
  const before = tf.getKernel("Conv2D", "wasm");
  const kernels = await registerTrainingKernels();
  expect(tf.getKernel("Conv2D", "wasm")).not.toBe(before);
  await kernels.undo();
  await kernels.undo();
  expect(tf.getKernel("Conv2D", "wasm").kernelFunc).toBe(before.kernelFunc);
  expect(tf.getKernel("Conv2DBackpropFilter", "wasm")).toBeUndefined();
});

it("registerTrainingKernels().undo() restores tfjs' gradients of convolutions", async () => {
  await tf.setBackend("wasm");
  const before = ["Conv2D", "DepthwiseConv2dNative"].map((name) => tf.getGradient(name));
  const kernels = await registerTrainingKernels();
  expect(tf.getGradient("Conv2D")).not.toBe(before[0]);
  await kernels.undo();
  expect(["Conv2D", "DepthwiseConv2dNative"].map((name) => tf.getGradient(name))).toEqual(before);
});

describe("behind registerTrainingKernels().undo() a model of optimizeForTraining on wasm", () => {
  const build = () => {
    const { layers } = tfl;
    const inputs = tfl.input({ shape: [6, 6, 3] });
    let x = layers.conv2d({ filters: 4, kernelSize: 3, useBias: false }).apply(inputs) as tfl.SymbolicTensor;
    x = layers.reLU({}).apply(layers.batchNormalization({}).apply(x)) as tfl.SymbolicTensor;
    x = layers.depthwiseConv2d({ kernelSize: 3, useBias: false }).apply(x) as tfl.SymbolicTensor;
    x = layers.globalAveragePooling2d({}).apply(x) as tfl.SymbolicTensor;
    return tfl.model({ inputs, outputs: layers.dense({ units: 2 }).apply(x) as tfl.SymbolicTensor });
  };
  const lossOf = (model: tfl.LayersModel) => () =>
    tf.mean(tf.square(model.apply(tf.ones([2, 6, 6, 3]), { training: true }) as tf.Tensor)) as tf.Scalar;
  const variablesOf = (layers: tfl.layers.Layer[]) =>
    layers.flatMap((layer) => layer.trainableWeights.map((weight) => weight.read() as tf.Variable));

  it("says that the kernels must be registered, trains what needs no convolution, and trains again", async () => {
    await tf.setBackend("wasm");
    const model = build();
    const fused = optimizeForTraining(model);
    const kernels = await registerTrainingKernels();
    await kernels.undo();
    const train = (variables: tf.Variable[]) =>
      tf.tidy(() =>
        Object.values(tf.variableGrads(lossOf(fused), variables).grads).map((grad) => grad.dataSync().length),
      );
    for (const layer of model.layers.slice(1, 5))
      if (layer.trainableWeights.length > 0 && layer.getClassName() !== "BatchNormalization")
        expect(() => train(variablesOf([layer]))).toThrow(
          "convolution: the wasm backend has no gradient of it without the training kernels, which are not registered (or undone). Call registerTrainingKernels()",
        );
    expect(train(variablesOf(model.layers.slice(-1)))).toEqual([8, 2]);
    const again = await registerTrainingKernels();
    expect(train(variablesOf(model.layers))).toHaveLength(6);
    await again.undo();
    model.dispose();
  });
});
