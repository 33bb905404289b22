import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { createRandom, type Random } from "@acr/core";
import { expectNoTensorLeak, tensorFlowEngine, tolerance } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import type { FusedActivation } from "./fused-activation.js";
import { type FusedConvOptions, fusedConv2dBatchNormActivation } from "./fused-conv-2d-batch-norm-activation.js";
import { registerTrainingKernels, type TrainingKernels } from "./register-training-kernels.js";

const CASES = 24;
const ACTIVATIONS: FusedActivation[] = ["linear", "relu", "relu6", "swish", "sigmoid", "hardSwish"];

/** Seeded shapes: blocks of rows that end anywhere, one or several tiles, all filter sizes of MobileNet and EfficientNet. */
function randomCase(random: Random) {
  const depthwise = random.chance(0.5);
  const side = random.pick(depthwise ? [3, 5, 7] : [1, 1, 3, 5]);
  const inChannels = 4 * (1 + random.integer(9));
  const stride = random.pick([1, 2]);
  return {
    shape: [1 + random.integer(3), 7 + random.integer(9), 7 + random.integer(9), inChannels] as [
      number,
      number,
      number,
      number,
    ],
    // The first layer of a net reads three channels.
    inChannels: !depthwise && random.chance(0.2) ? 3 : inChannels,
    channels: depthwise ? inChannels : 4 * (1 + random.integer(9)),
    side,
    options: {
      depthwise,
      strides: [stride, stride],
      pad: random.pick(["same", "valid"] as const),
      activation: random.pick(ACTIVATIONS),
    } satisfies FusedConvOptions,
  };
}

/** A filter with zeros between its taps: without dilation it does what the filter does with it. Differentiable. */
function spread(filter: tf.Tensor, [rows, columns]: [number, number]): tf.Tensor {
  const [height, width, inputs, outputs] = filter.shape as [number, number, number, number];
  const taps = tf.reshape(filter, [height, 1, width, 1, inputs * outputs]);
  const gaps = [0, rows - 1, 0, columns - 1, 0].map((gap) => [0, gap] as [number, number]);
  const full = tf.reshape(tf.pad(taps, gaps), [height * rows, width * columns, inputs, outputs]);
  const shape = [(height - 1) * rows + 1, (width - 1) * columns + 1, inputs, outputs];
  return tf.slice(full, [0, 0, 0, 0], shape);
}

/** What a case computes, with the dilation of its options or, as the oracle of it, with a filter spread by `taps`. */
type Case = Omit<ReturnType<typeof randomCase>, "options"> & { options: FusedConvOptions; taps?: [number, number] };

const read = (tensors: tf.Tensor[]) => tensors.map((tensor) => Float32Array.from(tensor.dataSync()));

function run(c: Case, seed: number): Float32Array[] {
  return tf.tidy(() => {
    const draw = (shape: number[], k: number, low = -1, high = 1) =>
      tf.randomUniform(shape, low, high, "float32", 10 * seed + k);
    const { depthwise } = c.options;
    const spreadFilter = (filter: tf.Tensor) => (c.taps ? spread(filter, c.taps) : filter) as tf.Tensor4D;
    const inputs = [
      draw([...c.shape.slice(0, 3), c.inChannels], 0),
      draw([c.side, c.side, c.inChannels, depthwise ? 1 : c.channels], 1),
      draw([c.channels], 2, 0.5, 3),
      draw([c.channels], 3, -1, 3),
    ];
    const f = (x: tf.Tensor, filter: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) =>
      fusedConv2dBatchNormActivation(x as tf.Tensor4D, { filter: spreadFilter(filter), gamma, beta }, c.options);
    const { y, mean, variance } = f(...(inputs as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]));
    const dy = draw(y.shape, 4);
    const gradients = tf.grads(((...t: [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]) => f(...t).y) as never)(
      inputs,
      dy,
    );
    const moments = { mean: draw([c.channels], 5), variance: draw([c.channels], 6, 0.5, 2) };
    const infer = (x: tf.Tensor, filter: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) =>
      fusedConv2dBatchNormActivation(
        x as tf.Tensor4D,
        { filter: spreadFilter(filter), gamma, beta },
        { ...c.options, moments },
      ).y;
    const inference = infer(...(inputs as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]));
    const whileInferring = tf.grads(infer as never)(inputs, dy);
    return read([y, mean, variance, inference, ...gradients, ...whileInferring]);
  });
}

/** Units of each kind, both strides. */
const KINDS: (FusedConvOptions & { side: number })[] = [
  { side: 1, activation: "swish" },
  { side: 3, strides: [2, 2], activation: "hardSwish" },
  { side: 3, activation: "linear" },
  { side: 3, depthwise: true, activation: "sigmoid" },
  { side: 5, depthwise: true, strides: [2, 2], activation: "swish" },
];

const GRADIENTS = ["dx", "dFilter", "dGamma", "dBeta"];
const NAMES = ["y", "mean", "variance", "inference", ...GRADIENTS, ...GRADIENTS.map((name) => `${name} of inference`)];

/** Spread filters are slow on the cpu backend. */
const SMALL = { shape: [2, 11, 10, 4] as Case["shape"], inChannels: 4, channels: 4 };

/** Runs a case on a backend and its oracle on the cpu backend, and compares all that both compute. */
async function expectAsOnCpu(backend: string, c: Case, seed: number, oracle: Case = c): Promise<void> {
  await tf.setBackend(backend);
  const actual = run(c, seed);
  await tf.setBackend("cpu");
  const expected = run(oracle, seed);
  const scaleOf = (from: number) =>
    Math.max(...expected.slice(from, from + 4).map((values) => values.reduce((m, v) => Math.max(m, Math.abs(v)), 0)));
  const scales = [scaleOf(4), scaleOf(8)] as const;
  expected.forEach((values, k) => {
    // Gradients compare with the largest of them: one alone can be zero in theory.
    const largest = k < 4 ? values.reduce((m, v) => Math.max(m, Math.abs(v)), 1) : scales[k < 8 ? 0 : 1];
    let off = 0;
    for (let j = 0; j < values.length; j++) {
      if (!(Math.abs(actual[k]![j]! - values[j]!) <= tolerance.float32 * largest)) off++;
    }
    // A value on a corner of relu, relu6 or hardSwish may fall on either side of it.
    const allowed = /^(relu|hard)/.test(c.options.activation!) && k >= 4 ? Math.ceil(values.length / 500) : 0;
    if (off > allowed) throw new Error(`${JSON.stringify(c)} ${NAMES[k]}: ${off} of ${values.length} differ`);
  });
}

describe.each(["wasm", ...tensorFlowEngine()])(
  "fusedConv2dBatchNormActivation(x, weights, options) on %s",
  (backend) => {
    let kernels: TrainingKernels;
    beforeAll(async () => {
      await tf.setBackend(backend);
      kernels = await registerTrainingKernels();
    });
    afterAll(async () => {
      await tf.setBackend(backend);
      await kernels.undo();
    });

    it("agrees with its composition on the cpu backend, forward and backward, over a grid of shapes", async () => {
      const random = createRandom("units");
      for (let i = 0; i < CASES; i++) await expectAsOnCpu(backend, randomCase(random), i);
    });

    it.each([1, 5, 33, 128])("agrees with its composition on the cpu backend for a batch of %i", async (batch) => {
      for (const [i, { side, ...options }] of KINDS.entries()) {
        const c: Case = { shape: [batch, 4, 3, 4], inChannels: 4, channels: 4, side, options };
        await expectAsOnCpu(backend, c, batch + i);
      }
    });

    // tfjs' own operations have no gradient of dilated convolutions.
    (backend === "wasm" ? it : it.skip)(
      "agrees for dilated filters with filters that have zeros between their taps, forward and backward",
      async () => {
        const random = createRandom("dilated units");
        for (let i = 0; i < CASES / 3; i++) {
          const drawn = randomCase(random);
          const taps = [1 + (i % 3), 2 + (i % 2)] as [number, number];
          const options = { ...drawn.options, strides: [1, 1] as [number, number] };
          const c = {
            ...drawn,
            ...SMALL,
            side: i % 4 === 3 ? 2 : 3,
            options,
          };
          await expectAsOnCpu(backend, { ...c, options: { ...options, dilations: taps } }, i, { ...c, taps });
        }
      },
    );

    it("leaks no tensor, forward or backward", async () => {
      await tf.setBackend(backend);
      const c = randomCase(createRandom("leak"));
      await expectNoTensorLeak(() => {
        run(c, 1);
      });
    });

    it("refuses unknown activations and options, and channels that do not fit", async () => {
      await tf.setBackend(backend);
      const x = tf.zeros([1, 4, 4, 8]) as tf.Tensor4D;
      const filter = tf.zeros([1, 1, 4, 8]) as tf.Tensor4D;
      const weights = { filter, gamma: tf.ones([8]), beta: tf.zeros([8]) };
      expect(() => fusedConv2dBatchNormActivation(x, weights)).toThrow(
        "x must be [B, H, W, C] and filter [KH, KW, C, D]",
      );
      expect(() => fusedConv2dBatchNormActivation(x, weights, { activation: "gelu" } as never)).toThrow("got gelu");
      expect(() => fusedConv2dBatchNormActivation(x, weights, { stride: 1 } as never)).toThrow("Did you mean strides?");
    });
  },
);
