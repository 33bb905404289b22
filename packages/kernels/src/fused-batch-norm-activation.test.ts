import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { createRandom } from "@acr/core";
import { expectNoTensorLeak, tensorFlowEngine } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import type { FusedActivation } from "./fused-activation.js";
import { fusedBatchNormActivation } from "./fused-batch-norm-activation.js";
import { registerTrainingKernels, type TrainingKernels } from "./register-training-kernels.js";

const EPSILON = 1e-3;
const ACTIVATIONS: Record<FusedActivation, (x: number) => number> = {
  linear: (x) => x,
  relu: (x) => Math.max(0, x),
  relu6: (x) => Math.min(6, Math.max(0, x)),
  swish: (x) => x / (1 + Math.exp(-x)),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  hardSwish: (x) => (x * Math.min(6, Math.max(0, x + 3))) / 6,
};

/** The definition in float64: x is [M, C]. */
function reference(x: number[], gamma: number[], beta: number[], activation: FusedActivation): number[] {
  const C = gamma.length;
  const M = x.length / C;
  const y = new Array<number>(x.length);
  for (let c = 0; c < C; c++) {
    let mean = 0;
    for (let m = 0; m < M; m++) mean += x[m * C + c]! / M;
    let variance = 0;
    for (let m = 0; m < M; m++) variance += (x[m * C + c]! - mean) ** 2 / M;
    const scale = gamma[c]! / Math.sqrt(variance + EPSILON);
    for (let m = 0; m < M; m++) y[m * C + c] = ACTIVATIONS[activation]((x[m * C + c]! - mean) * scale + beta[c]!);
  }
  return y;
}

describe.each(["wasm", "cpu", ...tensorFlowEngine()])("fusedBatchNormActivation(x, gamma, beta) on %s", (backend) => {
  let kernels: TrainingKernels;

  beforeAll(async () => {
    await tf.setBackend(backend);
    kernels = await registerTrainingKernels();
  });
  afterAll(() => kernels.undo());

  const names = Object.keys(ACTIVATIONS) as FusedActivation[];
  // Seven channels take the composed path on every backend.
  const cases = names.flatMap((activation) => [8, 7].map((channels) => ({ activation, channels })));

  it.each(cases)("has the value and the float64 finite differences of $activation, C = $channels", (c) => {
    const random = createRandom(`${c.activation}${c.channels}`);
    const draw = (count: number, low: number, high: number) =>
      Array.from({ length: count }, () => Math.fround(random.uniform(low, high)));
    const M = 37;
    const x = draw(M * c.channels, -3, 3);
    const gamma = draw(c.channels, 1, 4);
    const beta = draw(c.channels, -1, 3);
    const dy = draw(x.length, -1, 1);
    const run = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) =>
      fusedBatchNormActivation(x, gamma, beta, { epsilon: EPSILON, activation: c.activation }).y;
    const inputs = [tf.tensor2d(x, [M, c.channels]), tf.tensor1d(gamma), tf.tensor1d(beta)] as const;
    const y = tf.tidy(() => [...run(...inputs).dataSync()]);
    const expected = reference(x, gamma, beta, c.activation);
    y.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThan(2e-5));

    const gradients = tf.tidy(() =>
      tf
        .grads(run as never)([...inputs], tf.tensor2d(dy, [M, c.channels]))
        .map((tensor) => [...tensor.dataSync()]),
    );
    const loss = (values: number[][]) =>
      reference(values[0]!, values[1]!, values[2]!, c.activation).reduce(
        (total, value, i) => total + value * dy[i]!,
        0,
      );
    const step = 1e-6;
    [x, gamma, beta].forEach((values, which) => {
      const largest = Math.max(...gradients[which]!.map(Math.abs));
      for (let i = 0; i < Math.min(values.length, 40); i++) {
        const moved = (by: number) =>
          loss([x, gamma, beta].map((v, k) => (k === which ? v.map((value, j) => (j === i ? value + by : value)) : v)));
        const slope = (moved(step) - moved(-step)) / (2 * step);
        expect(Math.abs(gradients[which]![i]! - slope)).toBeLessThan(1e-4 * Math.max(1, largest));
      }
    });
    tf.dispose([...inputs]);
  });

  it.each(cases)("with given moments has the float64 finite differences of $activation, C = $channels", (c) => {
    const random = createRandom(`given ${c.activation}${c.channels}`);
    const draw = (count: number, low: number, high: number) =>
      Array.from({ length: count }, () => Math.fround(random.uniform(low, high)));
    const [M, C] = [5, c.channels];
    const values = [draw(M * C, -3, 3), draw(C, 1, 4), draw(C, -1, 3)] as const;
    const [means, variances, dy] = [draw(C, -1, 1), draw(C, 0.5, 4), draw(M * C, -1, 1)];
    const loss = ([x, gamma, beta]: readonly number[][]) =>
      x!.reduce((total, value, i) => {
        const k = i % C;
        const normal = (value - means[k]!) / Math.sqrt(variances[k]! + EPSILON);
        return total + dy[i]! * ACTIVATIONS[c.activation](normal * gamma![k]! + beta![k]!);
      }, 0);
    const gradients = tf.tidy(() => {
      const moments = { mean: tf.tensor1d(means), variance: tf.tensor1d(variances) };
      const run = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) =>
        fusedBatchNormActivation(x, gamma, beta, { epsilon: EPSILON, activation: c.activation, moments }).y;
      const inputs = [tf.tensor2d(values[0], [M, C]), tf.tensor1d(values[1]), tf.tensor1d(values[2])];
      return tf
        .grads(run as never)(inputs, tf.tensor2d(dy, [M, C]))
        .map((tensor) => [...tensor.dataSync()]);
    });
    const step = 1e-6;
    values.forEach((own, which) => {
      const largest = Math.max(...gradients[which]!.map(Math.abs));
      own.forEach((_, i) => {
        const moved = (by: number) =>
          loss(values.map((v, k) => (k === which ? v.map((value, j) => (j === i ? value + by : value)) : v)));
        const slope = (moved(step) - moved(-step)) / (2 * step);
        expect(Math.abs(gradients[which]![i]! - slope)).toBeLessThan(1e-4 * Math.max(1, largest));
      });
    });
  });

  it("uses the moments it is given, leaks nothing and refuses an unknown activation", async () => {
    const x = tf.tensor2d([[-200, -1, 1, 200]]);
    const [zeros, ones] = [tf.zeros([4]), tf.ones([4])];
    const options = { epsilon: 1e-9, activation: "swish" as const, moments: { mean: zeros, variance: ones } };
    const y = tf.tidy(() => [...fusedBatchNormActivation(x, ones, zeros, options).y.dataSync()]);
    [0, -0.2689414, 0.7310586, 200].forEach((value, i) => expect(y[i]).toBeCloseTo(value, 5));
    await expectNoTensorLeak(() => tf.tidy(() => fusedBatchNormActivation(x, ones, zeros, options).y.dataSync()));
    expect(() => fusedBatchNormActivation(x, ones, zeros, { activation: "swosh" as never })).toThrow(
      "activation must be one of linear, relu, relu6, swish, sigmoid, hardSwish; got swosh",
    );
  });
});
