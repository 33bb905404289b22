import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
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

describe.each([["cpu"], ["wasm"]])("FusedAdam on %s", (backend) => {
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

  it("refuses options out of range and grads of no variable", () => {
    expect(() => new FusedAdam({ beta1: 1 })).toThrow("FusedAdam: beta1 must be in [0, 1); got 1");
    expect(() => new FusedAdam({ lerningRate: 1 } as never)).toThrow(
      'unknown option "lerningRate". Did you mean learningRate?',
    );
    expect(() => new FusedAdam().applyGradients({ nowhere: tf.scalar(1) })).toThrow('no variable is called "nowhere"');
  });
});
