import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { tensorFlowEngine } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import { FusedAdam } from "./fused-adam.js";
import { registerTrainingKernels } from "./register-training-kernels.js";

/** Ten steps on Σ (w − i)² / 2, whose gradient is w − i. */
function descend(apply: (grads: tf.NamedTensorMap) => void, weights: tf.Variable): number[] {
  for (let i = 0; i < 10; i++) {
    tf.tidy(() => apply({ [weights.name]: tf.sub(weights, tf.range(0, weights.size)) }));
  }
  return [...weights.dataSync()];
}

const start = () => tf.variable(tf.linspace(-3, 5, 23));

describe.each(["cpu", "wasm", ...tensorFlowEngine()])("FusedAdam on %s", (backend) => {
  let undo: () => Promise<void>;

  beforeAll(async () => {
    await tf.setBackend(backend);
    ({ undo } = await registerTrainingKernels());
  });

  afterAll(() => undo());

  it("takes the steps of tf.train.adam", () => {
    const reference = tf.train.adam(0.1, 0.9, 0.999, 1e-7);
    const expected = descend((grads) => reference.applyGradients(grads as never), start());
    const adam = new FusedAdam({ learningRate: 0.1 });
    descend((grads) => adam.applyGradients(grads), start()).forEach((value, i) =>
      expect(value).toBeCloseTo(expected[i]!, 4),
    );
    adam.dispose();
  });

  it("shrinks weights by decoupled decay and scales gradients to clipNorm", () => {
    const weights = tf.variable(tf.tensor1d([2, -4]));
    const adam = new FusedAdam({ learningRate: 0.1, weightDecay: 0.5, clipNorm: 1 });
    tf.tidy(() => adam.applyGradients({ [weights.name]: tf.tensor1d([30, 40]) }));
    // The first step of Adam is the learning rate in the gradient's direction, whatever its length.
    const [a, b] = weights.dataSync();
    expect(a).toBeCloseTo(2 * 0.95 - 0.1, 5);
    expect(b).toBeCloseTo(-4 * 0.95 - 0.1, 5);
    const { m } = adam.getState().slots[weights.name]!;
    expect(m[0]).toBeCloseTo(0.1 * 0.6, 6);
    adam.dispose();
  });

  it("follows a float64 AdamW with decay, clipping and a learning rate a step, over several variables", () => {
    // Lengths below and above the size from which threads share a variable, and no multiple of 4.
    const sizes = [3, 37, 20001];
    const decay = 0.1;
    const clipNorm = 0.9;
    const [beta1, beta2, epsilon] = [0.8, 0.95, 1e-4];
    const value = (k: number, i: number, t: number) => Math.sin(1 + 3 * k + 0.7 * i + 1.3 * t) / (1 + k);
    const weights = sizes.map((size, k) =>
      tf.variable(tf.tensor1d(Array.from({ length: size }, (_, i) => value(k, i, 0)))),
    );
    const expected = sizes.map((size, k) => Float64Array.from({ length: size }, (_, i) => Math.fround(value(k, i, 0))));
    const m = sizes.map((size) => new Float64Array(size));
    const v = sizes.map((size) => new Float64Array(size));
    const adam = new FusedAdam({ beta1, beta2, epsilon, weightDecay: decay, clipNorm });
    for (let t = 1; t <= 6; t++) {
      const learningRate = 0.05 / t;
      // The last steps have a small gradient: below clipNorm nothing is scaled.
      const size = t > 4 ? 1e-3 : 1;
      const gradients = sizes.map((length, k) => Float32Array.from({ length }, (_, i) => size * value(k, i, t)));
      const norm = Math.sqrt(gradients.reduce((sum, g) => sum + g.reduce((s, x) => s + x * x, 0), 0));
      expect(norm > clipNorm).toBe(t <= 4);
      const scale = Math.min(1, clipNorm / norm);
      // As PyTorch's AdamW: the weights shrink first, then step_size · m / (√v / √bias₂ + ε).
      gradients.forEach((g, k) =>
        g.forEach((raw, i) => {
          const x = raw * scale;
          m[k]![i] = beta1 * m[k]![i]! + (1 - beta1) * x;
          v[k]![i] = beta2 * v[k]![i]! + (1 - beta2) * x * x;
          const denominator = Math.sqrt(v[k]![i]!) / Math.sqrt(1 - beta2 ** t) + epsilon;
          expected[k]![i] =
            expected[k]![i]! * (1 - learningRate * decay) -
            ((learningRate / (1 - beta1 ** t)) * m[k]![i]!) / denominator;
        }),
      );
      tf.tidy(() =>
        adam.applyGradients(Object.fromEntries(weights.map((w, k) => [w.name, tf.tensor1d(gradients[k]!)])), {
          learningRate,
        }),
      );
    }
    weights.forEach((w, k) => {
      const worst = Float32Array.from(w.dataSync()).reduce(
        (max, x, i) => Math.max(max, Math.abs(x - expected[k]![i]!)),
        0,
      );
      expect(worst).toBeLessThan(2e-6);
    });
    adam.dispose();
    tf.dispose(weights);
  });

  it("continues exactly from getState()", () => {
    const run = (split: boolean) => {
      const weights = start();
      let adam = new FusedAdam({ learningRate: 0.1 });
      for (let i = 0; i < 6; i++) {
        if (split && i === 3) {
          const state = adam.getState();
          adam.dispose();
          adam = new FusedAdam({ learningRate: 0.1 });
          adam.setState(state);
        }
        tf.tidy(() => adam.applyGradients({ [weights.name]: tf.square(weights) }));
      }
      adam.dispose();
      return [...weights.dataSync()];
    };
    expect(run(true)).toEqual(run(false));
  });

  it("changes only its moments in a step of rate 0, where a warm-up begins", () => {
    const weights = tf.tidy(() => tf.variable(tf.tensor1d([1, -2])));
    const adam = new FusedAdam();
    tf.tidy(() => adam.applyGradients({ [weights.name]: tf.square(weights) }, { learningRate: 0 }));
    expect([...weights.dataSync()]).toEqual([1, -2]);
    expect(adam.getState().step).toBe(1);
    expect(adam.getState().slots[weights.name]!.m[0]).toBeCloseTo(0.1, 6);
    adam.dispose();
    weights.dispose();
  });

  it("refuses options out of range and grads of no variable", () => {
    expect(() => new FusedAdam({ beta1: 1 })).toThrow("FusedAdam: beta1 must be in [0, 1); got 1");
    expect(() => new FusedAdam({ lerningRate: 1 } as never)).toThrow(
      'unknown option "lerningRate". Did you mean learningRate?',
    );
    for (const learningRate of [Number.NaN, -1, Number.POSITIVE_INFINITY])
      expect(() => new FusedAdam().applyGradients({}, { learningRate })).toThrow(
        "FusedAdam: learningRate must be >= 0",
      );
    expect(() => new FusedAdam().applyGradients({ nowhere: tf.scalar(1) })).toThrow('no variable is called "nowhere"');
  });
});
