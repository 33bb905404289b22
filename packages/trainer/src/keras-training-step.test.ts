import { readFileSync } from "node:fs";
import { createBackbone, loadKerasWeights } from "@acr/backbones";
import { setupBackend } from "@acr/backend";
import { optimizeForTraining } from "@acr/kernels";
import { goldenFolder } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";

interface GradientRecord {
  zeroInTheory?: boolean;
  l2Float64: number;
  sumFloat64: number;
  firstFloat64: number[];
}
interface TrainingRecord {
  lossFloat64: number;
  largestGradientNorm: number;
  gradients: Record<string, GradientRecord>;
  movingStatistics: Record<string, number[]>;
}

const golden = goldenFolder("keras/mobilenet_v2_035");
const read = (file: string) => readFileSync(`${golden}/${file}`);
const floats = (file: string) => new Float32Array(Uint8Array.from(read(file)).buffer);
/** Two images are a small batch for normalisation: the step amplifies rounding about a thousandfold. */
const TOLERANCE = 1e-3;
/** The fused kernels add up sums in float64, and stay as near as tfjs' cpu backend does (7.6e-5). */
const FUSED_TOLERANCE = 2e-4;

/** One training step of MobileNetV2 0.35 on two images: loss and gradients, and the moving statistics behind it. */
async function step(backend: string, threads: number, fused: boolean) {
  await setupBackend({ prefer: [backend], threads });
  const model = createBackbone("mobilenet_v2_035", { inputSize: 96, pooling: "avg" });
  await loadKerasWeights(model, read("model.weights.h5"));
  const run = fused ? optimizeForTraining(model) : model;
  const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const values = (tensor: tf.Tensor) => Float32Array.from(tensor.dataSync());
  const result = tf.tidy(() => {
    const x = tf.tensor4d(floats("inputs.f32"), [2, 96, 96, 3]);
    const target = tf.tensor2d(floats("target.f32"), [2, 1280]);
    const { value, grads } = tf.variableGrads(
      () => tf.mean(tf.square(tf.sub(run.apply(x, { training: true }) as tf.Tensor, target))) as tf.Scalar,
      variables,
    );
    const named = (weights: typeof model.weights, of: (i: number) => tf.Tensor) =>
      Object.fromEntries(
        weights.map((weight, i) => [weight.originalName.replace("depthwise_kernel", "kernel"), values(of(i))]),
      );
    return {
      loss: value.dataSync()[0]!,
      gradients: named(model.trainableWeights, (i) => grads[variables[i]!.name]!),
      statistics: named(model.nonTrainableWeights, (i) => model.nonTrainableWeights[i]!.read()),
    };
  });
  model.dispose();
  return result;
}

const norm = (values: ArrayLike<number>) =>
  Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0));

(golden ? describe : describe.skip)(
  "a training step of MobileNetV2 beside Keras in float64 (needs golden data)",
  () => {
    const record: TrainingRecord = golden ? JSON.parse(read("training.json").toString()) : undefined;

    test.each([
      ["wasm", 1, true],
      ["wasm", 2, true],
      ["wasm", 2, false],
    ])("%s, %i threads, fused: %s", async (backend, threads, fused) => {
      const { loss, gradients, statistics } = await step(backend, threads, fused);
      expect(Math.abs(loss / record.lossFloat64 - 1)).toBeLessThan(TOLERANCE);
      expect(Object.keys(gradients)).toHaveLength(Object.keys(record.gradients).length);
      const worst = { l2: 0, sum: 0, first: 0 };
      for (const [name, expected] of Object.entries(record.gradients)) {
        const actual = gradients[name];
        if (!actual) throw new Error(`no gradient of ${name}`);
        const scale = expected.zeroInTheory ? record.largestGradientNorm : expected.l2Float64;
        const sum = actual.reduce((total, value) => total + value, 0);
        worst.l2 = Math.max(worst.l2, Math.abs(norm(actual) - expected.l2Float64) / scale);
        worst.sum = Math.max(worst.sum, Math.abs(sum - expected.sumFloat64) / scale / Math.sqrt(actual.length));
        const first = norm(expected.firstFloat64.map((value, i) => value - actual[i]!));
        worst.first = Math.max(worst.first, first / scale);
      }
      for (const error of Object.values(worst)) expect(error).toBeLessThan(fused ? FUSED_TOLERANCE : TOLERANCE);
      for (const [name, expected] of Object.entries(record.movingStatistics)) {
        const actual = statistics[name]!;
        expect(norm(expected.map((value, i) => value - actual[i]!)) / norm(expected)).toBeLessThan(1e-6);
      }
    });
  },
);
