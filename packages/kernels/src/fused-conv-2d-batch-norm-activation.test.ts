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

const read = (tensors: tf.Tensor[]) => tensors.map((tensor) => Float32Array.from(tensor.dataSync()));

function run(c: ReturnType<typeof randomCase>, seed: number): Float32Array[] {
  return tf.tidy(() => {
    const draw = (shape: number[], k: number, low = -1, high = 1) =>
      tf.randomUniform(shape, low, high, "float32", 10 * seed + k);
    const { depthwise } = c.options;
    const inputs = [
      draw([...c.shape.slice(0, 3), c.inChannels], 0),
      draw([c.side, c.side, c.inChannels, depthwise ? 1 : c.channels], 1),
      draw([c.channels], 2, 0.5, 3),
      draw([c.channels], 3, -1, 3),
    ];
    const f = (x: tf.Tensor, filter: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) =>
      fusedConv2dBatchNormActivation(x as tf.Tensor4D, { filter: filter as tf.Tensor4D, gamma, beta }, c.options);
    const { y, mean, variance } = f(...(inputs as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]));
    const dy = draw(y.shape, 4);
    const gradients = tf.grads(((...t: [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]) => f(...t).y) as never)(
      inputs,
      dy,
    );
    const moments = { mean: draw([c.channels], 5), variance: draw([c.channels], 6, 0.5, 2) };
    const inference = fusedConv2dBatchNormActivation(
      inputs[0] as tf.Tensor4D,
      { filter: inputs[1] as tf.Tensor4D, gamma: inputs[2]!, beta: inputs[3]! },
      { ...c.options, moments },
    ).y;
    return read([y, mean, variance, inference, ...gradients]);
  });
}

const NAMES = ["y", "mean", "variance", "inference", "dx", "dFilter", "dGamma", "dBeta"];

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
      for (let i = 0; i < CASES; i++) {
        const c = randomCase(random);
        await tf.setBackend(backend);
        const actual = run(c, i);
        await tf.setBackend("cpu");
        const expected = run(c, i);
        const scale = Math.max(
          ...expected.slice(4).map((values) => values.reduce((m, v) => Math.max(m, Math.abs(v)), 0)),
        );
        expected.forEach((values, k) => {
          // Gradients compare with the largest of them: one alone can be zero in theory.
          const largest = k < 4 ? values.reduce((m, v) => Math.max(m, Math.abs(v)), 1) : scale;
          let off = 0;
          for (let j = 0; j < values.length; j++) {
            if (!(Math.abs(actual[k]![j]! - values[j]!) <= tolerance.float32 * largest)) off++;
          }
          // A value on a corner of relu6 may fall on either side of it.
          const allowed = c.options.activation.startsWith("relu") && k >= 4 ? Math.ceil(values.length / 500) : 0;
          if (off > allowed) throw new Error(`${JSON.stringify(c)} ${NAMES[k]}: ${off} of ${values.length} differ`);
        });
      }
    });

    // tfjs' own operations have no gradient of dilated convolutions.
    (backend === "wasm" ? it : it.skip)(
      "gives the gradient of a dilated depthwise convolution by its adjoint",
      async () => {
        await tf.setBackend(backend);
        // With a linear activation and dy = 0 the gradient must be 0; with a constant dy it is orthogonal to constants.
        const x = tf.randomUniform([2, 9, 8, 8], -1, 1, "float32", 1) as tf.Tensor4D;
        const filter = tf.randomUniform([3, 3, 8, 1], -1, 1, "float32", 2) as tf.Tensor4D;
        const gamma = tf.ones([8]);
        const beta = tf.zeros([8]);
        const dy = tf.randomUniform([2, 9, 8, 8], -1, 1, "float32", 3);
        const options = { depthwise: true, dilations: [2, 2] as [number, number], activation: "swish" as const };
        const loss = (x: tf.Tensor4D) =>
          tf.sum(tf.mul(fusedConv2dBatchNormActivation(x, { filter, gamma, beta }, options).y, dy)).dataSync()[0]!;
        const gradient = tf.grad(
          (x) => fusedConv2dBatchNormActivation(x as tf.Tensor4D, { filter, gamma, beta }, options).y,
        )(x, dy);
        const direction = tf.randomUniform(x.shape, -1, 1, "float32", 4);
        const step = 1e-2;
        const difference =
          (loss(tf.add(x, tf.mul(direction, step))) - loss(tf.sub(x, tf.mul(direction, step)))) / (2 * step);
        expect(Math.abs(tf.sum(tf.mul(gradient, direction)).dataSync()[0]! - difference)).toBeLessThan(
          2e-3 * Math.max(1, Math.abs(difference)),
        );
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
